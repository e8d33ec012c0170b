"""The rules of the house, as data: who may import whom, what is public, what loads when."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cellmage

ROOT = Path(cellmage.__file__).parent

VALUES = {"addresses", "errors", "messages", "events", "options"}

# What each room may import, besides what is in it.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "addresses": {"errors"},
    "options": {"addresses", "errors"},
    "messages": {"options"},
    "events": {"messages"},
    "interrupts": set(),
    "jobs": {"interrupts"},
    "engine": {"errors", "interrupts", "jobs"},
    "tools": VALUES,
    "context": {"errors", "messages", "options"},
    "records": {"errors", "messages"},
    "store": {"messages", "records"},
    "stages": {*VALUES, "context", "engine", "tools"},
    "stream": {*VALUES, "engine", "interrupts", "stages", "views"},
    "structured": {*VALUES, "stream"},
    "buffering": {"events", "stream"},
    "views": {"buffering", "events", "stream", "structured"},
    "providers": VALUES,
    "turns": {"errors", "messages"},
    "exports": {"errors", "messages", "records"},
    "comparing": {*VALUES, "engine", "stream"},
    "conversation": {
        *VALUES,
        "comparing",
        "context",
        "stages",
        "stream",
        "providers",
        "tools",
        "turns",
        "views",
    },
    "catalogue": {*VALUES, "engine", "providers"},
    "display": {"errors"},
    "spending": {"addresses", "errors", "messages"},
    "stats": {"messages", "spending"},
    "showing": {
        *VALUES,
        "comparing",
        "interrupts",
        "stats",
        "stream",
        "display",
        "records",
        "tools",
    },
    "prompt": {"errors", "options"},
    "magics": {
        *VALUES,
        "engine",
        "stages",
        "stream",
        "providers",
        "conversation",
        "display",
        "catalogue",
        "comparing",
        "prompt",
        "showing",
        "stats",
        "spending",
        "context",
        "structured",
        "retrieval",
        "exports",
        "store",
        "tools",
    },
    "integrations": {"__init__"},
    "__init__": {
        *VALUES,
        "adapters",
        "comparing",
        "stream",
        "providers",
        "conversation",
        "showing",
        "magics",
        "tools",
    },
    "sse": {"addresses", *VALUES, "records"},
    "adapters": {*VALUES, "providers"},
    "serving": {*VALUES, "conversation", "providers", "stream"},
    "retrieval": {"errors", "events"},
    "__main__": {"serving", *VALUES, "display", "conversation", "showing"},
}

# What only some rooms may import from outside.
ONLY_IN = {
    "sqlite3": {"store", "retrieval"},
    "IPython": {"magics", "display", "__init__"},
    "traitlets": {"magics"},
    "jiter": {"providers", "structured", "tools"},
    "pydantic": {"tools"},
    "pydantic_core": {"tools"},
    "yaml": {"prompt"},
    "platformdirs": {"magics", "providers", "store"},
    "markdown_it": {"display"},
    "starlette": {"serving"},
    "uvicorn": {"__main__"},
    "rich": {"display", "__main__"},
}


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str, str]]:
    """Level, module and name of every import in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.level, node.module or "", alias.name) for alias in node.names)


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    depth = len(path.relative_to(ROOT).parts)
    for level, module, name in imports(path):
        if level == 0:
            allowed = ONLY_IN.get(module.split(".")[0])
            assert allowed is None or room(path) in allowed, f"{path} imports {module}"
            assert module.split(".")[0] != "cellmage", "imports inside the package are relative"
        elif level == depth:
            target = (module or name).split(".")[0]
            target = target if (ROOT / target).exists() or (ROOT / f"{target}.py").exists() else ""
            assert (target or "__init__") in MAY_IMPORT[room(path)] | {room(path)}, f"{path}"


def test_public_names() -> None:
    assert cellmage.__all__ == sorted(cellmage.__all__)
    for name in cellmage.__all__:
        assert getattr(cellmage, name).__doc__


def test_import_is_light() -> None:
    code = "import sys, cellmage; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    roots = {module.split(".")[0] for module in modules}
    assert not roots & {"openai", "httpx", "httpx2", "ipywidgets", "rich", "IPython", "pydantic"}
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import cellmage"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert not [name for name in ("openai", "ipywidgets", "rich") if name in shown]
