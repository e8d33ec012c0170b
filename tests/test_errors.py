"""Every error has a kind of one vocabulary, and docs/reliability.md has a line about each kind."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellmage import errors
from cellmage.errors import KINDS, CellmageError

ROOT = Path(__file__).parents[1]
DOCS = (ROOT / "docs/reliability.md").read_text("utf-8")
ENDS_WITHOUT_ERROR = {"closed", "killed", "saved"}
"""Words of `Response.incomplete_reason` alone: nobody was there to be told."""


def documented(heading: str) -> set[str]:
    """Return the words in backquotes in the first column of the table below a heading."""
    _, _, section = DOCS.partition(f"\n## {heading}\n")
    assert section, f"docs/reliability.md has the section {heading!r}"
    return set(re.findall(r"^\| `(\w+)`", section.partition("\n## ")[0], re.MULTILINE))


def calls(name: str) -> Iterator[ast.Call]:
    """Yield the calls of this name in the package, or of every name that ends so."""
    for path in sorted((ROOT / "cellmage").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "").endswith(name):
                yield node


def test_every_kind_is_documented() -> None:
    assert documented("Kinds") - ENDS_WITHOUT_ERROR == KINDS


def test_the_default_of_every_error_is_a_kind() -> None:
    classes = [cls for cls in vars(errors).values() if isinstance(cls, type)]
    defaults = {cls.kind for cls in classes if issubclass(cls, CellmageError)}
    assert defaults <= KINDS


def test_every_raised_kind_is_of_the_vocabulary() -> None:
    values = [word.value for call in calls("Error") for word in call.keywords if word.arg == "kind"]
    kinds = {value.value for value in values if isinstance(value, ast.Constant)}
    assert kinds
    assert kinds <= KINDS


def test_every_notice_has_a_kind_or_a_documented_word() -> None:
    values = [call.args[0] for call in calls("Notice") if call.args]
    words = {value.value for value in values if isinstance(value, ast.Constant)}
    assert words <= KINDS | documented("Notices"), "each word is documented"


@pytest.mark.parametrize("word", ["context_length", "cancelled", "no_end", "error"])
def test_earlier_words_are_gone(word: str) -> None:
    assert word not in KINDS
    assert f"`{word}`" not in DOCS
