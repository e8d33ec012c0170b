"""The allowed imports of the package, as data; type-only and lazy imports count too."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import cellmage

ROOT = Path(cellmage.__file__).parent

VALUES = {"arguments", "content", "errors", "urls", "options", "messages", "events", "text"}

# A room is a file at the top or a folder. Each may import itself and the rooms named here.
MAY_IMPORT: dict[str, set[str]] = {
    "text": set(),
    "printing": {"text"},
    "errors": {"text"},
    "urls": {"errors"},
    "arguments": {"errors", "text"},
    "foreign_files": {"errors", "text"},
    "options": {"arguments", "errors", "urls"},
    "preview": {"markdown", "text"},
    "file_headers": set(),
    "image_urls": {"errors", "text"},
    "content": {"errors", "file_headers", "foreign_files", "image_urls", "text"},
    "code_blocks": set(),
    "marks": {"text"},
    "messages": {"code_blocks", "content", "marks", "options", "preview", "text"},
    "turns": {"content", "messages", "text"},
    "events": {"marks", "messages", "text"},
    "once": set(),
    "fork_locks": set(),
    "decoding": set(),
    "relaxed_json": set(),
    "lenient_json": {"relaxed_json"},
    "part_records": {"content", "errors"},
    "json_fields": {"errors", "text"},
    "serialization": {
        "content",
        "errors",
        "json_fields",
        "marks",
        "messages",
        "part_records",
        "text",
        "turns",
    },
    "context_window": {"content", "errors", "messages", "options", "turns"},
    "sse": {"errors", "events"},
    "tool_requests": {"text"},
    "tools": {*VALUES, "tool_requests"},
    "approvals": {*VALUES, "printing", "tool_requests"},
    "tool_results": set(),
    "tool_progress": {"events", "runtime"},
    "mcp": {
        *VALUES,
        "foreign_files",
        "providers",
        "runtime",
        "tool_progress",
        "tool_requests",
        "tools",
    },
    "retrieval": {"decoding", "errors", "events", "foreign_files", "text"},
    "model_table": set(),
    "pricing": {"content", "errors", "messages", "model_table", "urls"},
    "stats": {"messages", "pricing"},
    "runtime": {"errors"},
    "providers": {*VALUES, "foreign_files", "model_table", "runtime", "sse"},
    "bridges": {*VALUES, "providers", "tool_requests"},
    "describe": {*VALUES, "decoding", "file_headers", "foreign_files", "retrieval", "runtime"},
    "pipeline": {
        "approvals",
        *VALUES,
        "marks",
        "context_window",
        "lenient_json",
        "model_table",
        "providers",
        "runtime",
        "tool_progress",
        "tool_requests",
        "tool_results",
        "tools",
    },
    "fingerprint": {"content", "runtime"},
    "recording": {
        *VALUES,
        "code_blocks",
        "context_window",
        "fingerprint",
        "foreign_files",
        "fork_locks",
        "json_fields",
        "lenient_json",
        "part_records",
        "pipeline",
        "providers",
        "runtime",
        "serialization",
        "stream",
        "tools",
        "turns",
    },
    "stream": {*VALUES, "lenient_json", "pipeline", "relaxed_json", "runtime"},
    "conversation": {
        "turns",
        *VALUES,
        "context_window",
        "foreign_files",
        "fork_locks",
        "json_fields",
        "once",
        "part_records",
        "pipeline",
        "preview",
        "providers",
        "recording",
        "serialization",
        "stream",
        "tools",
    },
    "background": {"errors", "fork_locks", "messages", "runtime", "stream", "text"},
    "output_schema": {"errors", "lenient_json", "messages", "options", "stream", "text"},
    "batch": {
        *VALUES,
        "conversation",
        "display",
        "foreign_files",
        "fingerprint",
        "output_schema",
        "pipeline",
        "pricing",
        "printing",
        "prompt",
        "providers",
        "recording",
        "runtime",
        "serialization",
        "stream",
    },
    "plain_tex": set(),
    "markdown": {"plain_tex", "text"},
    "display": {"markdown", "once", "printing", "text"},
    "rendering": {
        "turns",
        "approvals",
        *VALUES,
        "display",
        "markdown",
        "marks",
        "once",
        "part_records",
        "runtime",
        "serialization",
        "stats",
        "stream",
        "tool_requests",
    },
    "proof": {
        "code_blocks",
        "describe",
        "errors",
        "fingerprint",
        "marks",
        "text",
        "tools",
        "twin",
    },
    "twin": {"describe", "errors", "fork_locks", "runtime"},
    "widgets": {
        "approvals",
        "display",
        "errors",
        "events",
        "fork_locks",
        "markdown",
        "rendering",
        "text",
        "tool_requests",
        "turns",
    },
    "prompt": {"content", "errors", "foreign_files", "options", "text"},
    "magics": {
        "turns",
        "approvals",
        "background",
        "batch",
        *VALUES,
        "code_blocks",
        "context_window",
        "conversation",
        "describe",
        "display",
        "fingerprint",
        "foreign_files",
        "fork_locks",
        "marks",
        "mcp",
        "model_table",
        "once",
        "output_schema",
        "pipeline",
        "pricing",
        "printing",
        "prompt",
        "proof",
        "providers",
        "recording",
        "rendering",
        "retrieval",
        "stats",
        "stream",
        "tools",
        "widgets",
    },
    "server": {
        *VALUES,
        "foreign_files",
        "image_urls",
        "pipeline",
        "providers",
        "stream",
        "tool_results",
    },
    "testing": {"pipeline", "providers", "recording"},
    "integrations": {"__init__"},
    "demo": {"display", "printing"},
    "doctor": {*VALUES, "conversation", "magics", "printing", "prompt", "providers"},
    "__main__": {
        *VALUES,
        "batch",
        "conversation",
        "decoding",
        "demo",
        "doctor",
        "printing",
        "rendering",
        "server",
    },
    "__init__": {
        "turns",
        *VALUES,
        "batch",
        "conversation",
        "magics",
        "pipeline",
        "providers",
        "recording",
        "rendering",
        "stream",
        "tools",
    },
}

# The rooms that may import a package from outside.
ONLY_IN = {
    "sqlite3": {"batch", "conversation", "doctor", "recording", "retrieval"},
    "IPython": {"proof", "twin", "magics", "display", "widgets", "__init__"},
    "traitlets": {"magics", "twin", "widgets"},
    "jiter": {"providers", "relaxed_json", "sse", "stream", "tool_requests"},
    "pydantic": {"tools"},
    "pydantic_core": {"tool_results"},
    "yaml": {"foreign_files"},
    "platformdirs": {"doctor", "magics", "providers", "conversation", "recording"},
    "markdown_it": {"markdown"},
    "starlette": {"server"},
    "uvicorn": {"server"},
    "rich": {"display"},
    "anywidget": {"widgets"},
    "ipywidgets": {"widgets"},
    "mcp": {"mcp"},
    "llm": {"bridges"},
    "pydantic_ai": {"bridges"},
}

FILES = sorted(ROOT.rglob("*.py"))


def module_of(path: Path) -> str:
    """The dotted name below ``cellmage``; of a package, with ``__init__``."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


MODULES = {module_of(path).removesuffix(".__init__"): path for path in FILES}


@cache
def imports(path: Path) -> tuple[str, ...]:
    """The absolute names of all imports in a file; the package's own begin with ``cellmage``."""
    return tuple(_imports(path))


@cache
def _nodes(path: Path) -> list[ast.AST]:
    return [*ast.walk(ast.parse(path.read_text()))]


def _imports(path: Path) -> Iterator[str]:
    package = ["cellmage", *path.relative_to(ROOT).parts[:-1]]
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level or node.module
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def own_module(name: str) -> str | None:
    """The module of ours that an imported name is, or is in; None for other packages."""
    head, _, rest = name.partition(".")
    if head != "cellmage":
        return None
    while rest and rest not in MODULES:
        rest = rest.rpartition(".")[0]
    return rest or "__init__"


def room(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_go_one_way(path: Path) -> None:
    own = room(module_of(path))
    for name in imports(path):
        target = own_module(name)
        if target is None:
            allowed = ONLY_IN.get(room(name))
            assert allowed is None or own in allowed, f"{path} imports {name}"
        else:
            assert room(target) in {*MAY_IMPORT[own], own}, f"{path} imports {name}"


def test_imports_inside_the_package_are_relative() -> None:
    for path in FILES:
        for node in _nodes(path):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert (node.module or "").split(".")[0] != "cellmage", path


def test_rooms_have_no_cycle() -> None:
    TopologicalSorter(MAY_IMPORT).prepare()


def test_every_room_is_in_the_table() -> None:
    assert {room(module_of(path)) for path in FILES} == set(MAY_IMPORT)


def test_every_allowed_import_is_used() -> None:
    used: dict[str, set[str]] = {name: set() for name in MAY_IMPORT}
    for path in FILES:
        own = room(module_of(path))
        used[own] |= {room(target) for name in imports(path) if (target := own_module(name))}
    unused = {own: allowed - VALUES - used[own] for own, allowed in MAY_IMPORT.items()}
    assert not {own: names for own, names in unused.items() if names}


def test_modules_have_no_cycle() -> None:
    graph = {
        name: {target for each in imports(path) if (target := own_module(each)) not in (None, name)}
        for name, path in MODULES.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {error.args[1]}")


def test_import_is_light() -> None:
    code = "import sys, cellmage; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    roots = {module.split(".")[0] for module in modules}
    assert not roots & {"openai", "httpx", "httpx2", "ipywidgets", "rich", "IPython", "pydantic"}
    assert "cellmage.testing" not in modules


SAFE_MAKERS = {
    f"markdown.{name}"
    for name in ("safe", "sanitize", "escape", "fences", "definitions", "plain_tokens")
}
"""The modules that make markdown and HTML that cannot act; all others only pass them on."""


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """The calls in a file, with the last name of what is called."""
    for node in _nodes(path):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", None) or getattr(node.func, "id", ""), node


def is_constant(node: ast.expr) -> bool:
    """Whether a template is written in our code: literals, and names of constants."""
    match node:
        case ast.BinOp(left=left, right=right):
            return is_constant(left) and is_constant(right)
        case ast.IfExp(body=body, orelse=other):
            return is_constant(body) and is_constant(other)
        case ast.Name(id=name):
            return name.isupper()
    return isinstance(node, ast.Constant)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_safe_markdown_is_made_in_few_modules(path: Path) -> None:
    """As long as this holds, mypy proves that only safe markdown is published."""
    for name, call in calls(path):
        place = f"{path}:{call.lineno}"
        if name in ("SafeMarkdown", "SafeHTML"):
            assert module_of(path) in SAFE_MAKERS, place
        if name == "cast":
            assert "Safe" not in ast.unparse(call.args[0]), place
        if name in ("fill_safe", "fill_html", "join_safe") and module_of(path) != "markdown.safe":
            assert is_constant(call.args[0]), place


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_outputs_are_published_in_one_module(path: Path) -> None:
    if module_of(path) == "display.outputs":
        return
    names = {name for name in imports(path) if name.startswith("IPython.display.")}
    assert names <= {"IPython.display.clear_output", "IPython.display.DisplayHandle"}
    made = {"DisplayHandle", "publish_display_data"}
    assert not made & {name for name, _ in calls(path)}


PRINTERS = {
    "write": {
        "printing",
        "batch.engines.part_answers",  # a file
        "batch.output_files",
        "conversation.export",  # a file
        "display.foreign_output",  # passes on what the user's own code prints
        "markdown.write_blocks",  # a method of its own
        "markdown.write_inline",
        "recording.record_files",  # a file
        "twin.child.channel",  # the pipe to the parent, in a forked process
        "twin.child.main",
    },
    "writelines": set(),
    "print": {"display.terminal"},  # on a `RichConsole`
    "Console": set(),
    "RichConsole": {"display.terminal"},
    "input": {"approvals"},  # the question about a call, whose text is visible
    "warn": set(),
    "warning": set(),
    "displayhook": set(),
    "showtraceback": set(),
}
"""The functions that write to a terminal, and the modules that may call them."""


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_few_modules_print(path: Path) -> None:
    for name, call in calls(path):
        assert module_of(path) in PRINTERS.get(name, {module_of(path)}), f"{path}:{call.lineno}"
    loggers = {name for name in imports(path) if name.split(".")[0] in ("logging", "warnings")}
    # One silences a package, one a warning of `os.fork`.
    assert not loggers or module_of(path) in ("mcp.sdk", "twin.process"), path


MAY_LOCK = {
    "batch.engines.batch_function",  # of a worker's process
    "batch.engines.dask_engine",
    "conversation.store.writer",  # beside one that is known: only writers wait for it
    "fork_locks",
    "once",
    "providers.llamacpp",  # held while a file of weights is loaded
    "runtime.interrupts",
    "runtime.loop",
    "runtime.main_thread",
    "twin.child.channel",  # in the forked process
}
"""The modules that make locks which a fork does not wait for; all others use `fork_locks`."""


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_fork_waits_for_the_locks(path: Path) -> None:
    if not imports_threads(path):
        return
    made = {name for name, _ in calls(path)} & {"Lock", "RLock"}
    assert not made or module_of(path) in MAY_LOCK, path


def imports_threads(path: Path) -> bool:
    return any(name.split(".")[0] == "threading" for name in imports(path))
