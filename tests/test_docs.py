"""The docs: their code runs or says why not, their links lead somewhere, no page is forgotten."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kernel.client import Kernel

ROOT = Path(__file__).parents[1]
DOCS = sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)
MADE = {"magics.md", "settings.md", "commands.md", "api.md"}
"""Pages of docs/reference, which `make docs` makes."""

OTHERS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "changes/README.md")
PAGES = [
    str(path.relative_to(ROOT))
    for path in [*(ROOT / name for name in OTHERS), *DOCS]
    if path.parent.name != "reference"
]

NOT_RUN = {
    "CONTRIBUTING.md": "commands for a clone",
    "changes/README.md": "commands for a clone",
    "docs/architecture.md": "pictures of the code",
    "docs/batches.md": "asks a provider for a batch",
    "docs/conversation.md": "a file of settings",
    "docs/chat.md": "a panel in a page",
    "docs/data.md": "a class of the reader",
    "docs/hubs.md": "a file of settings",
    "docs/keep.md": "a file of settings",
    "docs/map.md": "asks a real model",
    "docs/prompts.md": "files of the reader",
    "docs/replay.md": "asks a real model",
    "docs/streams.md": "asks a real model, or continues a cell above",
    "docs/upgrade.md": "asks a real model",
    "README.md": "asks a real model, or installs",
}
"""Why blocks of a page are not run; its blocks of Python may be run all the same."""

PYTHON_RUNS = [
    "docs/in-programs.md",
    "docs/streams.md",
    "docs/twin.md",
    "docs/howto/fastapi.md",
    "docs/howto/from-chatlas.md",
]
CELLS_RUN = ["docs/start.md", "docs/index.md"]
OWN_TEST = {"docs/testing.md": "test_tests_pass"}
TEXT = {"text", "json", "yaml", "{image}", "{toctree}", "{raw}", "{eval-rst}"}
RUN_BY_SPHINX = {"{code-cell}"}


class Block(NamedTuple):
    """A block of code: the language, the code, and why it is not run."""

    language: str
    code: str
    reason: str


_BLOCK = re.compile(
    r"^(?P<reason><!-- not run: [^\n]+ -->\n)?(?P<blank> *)```(?P<language>[^\s`]*)[^\n`]*\n"
    r"(?P<code>.*?)^(?P=blank)```$",
    re.DOTALL | re.MULTILINE,
)


def blocks(page: str) -> list[Block]:
    matches = _BLOCK.finditer((ROOT / page).read_text())
    return [Block(each["language"], each["code"], each["reason"] or "") for each in matches]


def runs(page: str, language: str) -> bool:
    if language == "python":
        return page in PYTHON_RUNS or page in OWN_TEST
    return language == "ipython" and page in CELLS_RUN


@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs_or_says_why_not(page: str) -> None:
    for block in blocks(page):
        explained = block.reason or page in NOT_RUN or block.language in TEXT | RUN_BY_SPHINX
        assert explained or runs(page, block.language), block


@pytest.mark.parametrize("page", PYTHON_RUNS)
def test_python_runs(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    codes = [each.code for each in blocks(page) if each.language == "python" and not each.reason]
    assert codes
    namespace: dict[str, object] = {}
    for code in codes:
        exec(compile(code, page, "exec"), namespace)  # later blocks use the names of earlier ones
    for function in ("handler", "frames"):
        if function in namespace:
            asyncio.run(namespace[function]())  # type: ignore[operator]


@pytest.mark.parametrize("page", CELLS_RUN)
def test_cells_run(page: str, offline: Kernel) -> None:
    cells = [each.code for each in blocks(page) if each.language == "ipython" and not each.reason]
    assert cells
    for code in cells:
        assert offline.run(code).ok, code


@pytest.mark.slow
def test_tests_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = [each.code for each in blocks("docs/testing.md") if each.language == "python"]
    (tmp_path / "test_docs.py").write_text("\n".join(codes))
    # Plugins of other packages in this environment take seconds to import.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    options = ["-q", "-p", "no:cacheprovider", "-p", "cellmage.testing.plugin"]
    command = [sys.executable, "-m", "pytest", *options]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "4 passed" in result.stdout


# Links.


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    return frozenset(map(slug, re.findall(r"^#+ +(.+)$", text, re.MULTILINE)))


def slug(heading: str) -> str:
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    kept = (char for char in words if char in " -_" or unicodedata.category(char)[0] in "LN")
    return "".join(kept).replace(" ", "-")


def links(page: str) -> list[str]:
    text = re.sub(
        r"^ *```.*?^ *```$", "", (ROOT / page).read_text(), flags=re.DOTALL | re.MULTILINE
    )
    targets = re.findall(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text))
    return [target for target in targets if "://" not in target]


@pytest.mark.parametrize("page", PAGES)
def test_links_inside_lead_somewhere(page: str) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = ((ROOT / page).parent / name).resolve() if name else ROOT / page
        assert target.exists() or target.name in MADE, link
        assert not anchor or anchor in anchors(target), link


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("# One `two` (three)\n\n```\n# none\n```\n\n[a](b.md) `[c](d.md)` [e](#f)\n")
    assert links(str(path)) == ["b.md", "#f"]
    assert anchors(path) == {"one-two-three"}


def entries(page: str) -> set[str]:
    """The pages in the tables of contents of a page."""
    folder = (ROOT / page).parent
    trees = [block.code for block in blocks(page) if block.language == "{toctree}"]
    names = re.findall(r"^[\w./-]+$", "\n".join(trees), re.MULTILINE)
    paths = [(folder / f"{name}.md").resolve() for name in names]
    return {str(path.relative_to(ROOT)) for path in paths}


def test_every_page_is_in_a_table_of_contents() -> None:
    pages = {page for page in PAGES if page.startswith("docs/")}
    made = {f"docs/reference/{name}" for name in MADE}
    listed = set().union(*map(entries, pages))
    assert listed == (pages | made) - {"docs/index.md"}


def test_flags_in_how_to_pages_are_there() -> None:
    from cellmage.magics.original import REPLACEMENTS, SAME_FLAGS  # noqa: PLC0415
    from cellmage.magics.parsing import declared  # noqa: PLC0415

    known = {flag for parser in declared.values() for flag in parser._option_string_actions}
    old = {
        flag for table in (SAME_FLAGS, REPLACEMENTS) for flags in table.values() for flag in flags
    }
    for page in (page for page in PAGES if page.startswith(("docs/howto/", "docs/start"))):
        for code in re.findall(r"`([^`\n]*%llm[^`\n]*)`", (ROOT / page).read_text()):
            flags = set(re.findall(r"(?<!\S)--[a-z][\w-]*", code))
            assert flags <= known | old, (page, code)
