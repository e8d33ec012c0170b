"""Conversations as files: for reading (.md), for programs (.json), to run again (.ipynb)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..messages import CellRef, Response, Turn, Usage
from ..serialization import steps_from_record, turn_from_record, turn_to_record

MAX_BYTES = 64 * 2**20
"""The largest file that is read."""

_VERSION = 1
_LINE = 300
"""Characters of what a tool gave, in markdown that is to be read."""

_MARK = "<!-- cellmage "
# No front end and no system takes these for part of a name in one folder.
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ufeff<>:"/\\|?*%]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)\Z", re.IGNORECASE)


def export(turns: Sequence[Turn], folder: Path, name: str) -> Path:
    """Write turns to a new file.

    Args:
        turns: what is written.
        folder: where.
        name: of the file, without a folder; ``.md``, ``.json`` or ``.ipynb`` says the form.

    Raises:
        UsageError: the name cannot be used, or there is such a file. Nothing is written.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> turns = [Turn("Hi", Response("Hello", id="1"))]
        >>> with TemporaryDirectory() as folder:
        ...     read(export(turns, Path(folder), "talk.md")) == turns
        True
    """
    path = folder / _checked(name)
    text = _FORMS[path.suffix][0](turns)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        problem = f"there is a {name} already; give another name"
    except OSError as error:
        problem = f"{name} cannot be written: {error.strerror}"
    else:
        return path
    raise UsageError(problem)


def _checked(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    if dot + suffix not in _FORMS or not stem:
        raise UsageError(f"{name!r}: give a name that ends in {', '.join(_FORMS)}")
    is_odd = _NOT_IN_NAMES.search(name) or stem != stem.strip(" .~-") or stem.startswith(".")
    if is_odd or _RESERVED.match(stem) or len(name.encode()) > 200:
        raise UsageError(f"{name!r}: give a plain file name, without a folder")
    return name


def read(path: Path) -> list[Turn]:
    """The turns in a file that `export` wrote, or in a notebook as it was saved.

    Raises:
        UsageError: there is no such file, it is too large, or holds no turns.
    """
    problem = ""
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            problem = "it is no file, or larger than 64 MiB"
        elif path.suffix not in _FORMS:
            problem = f"its name does not end in {', '.join(_FORMS)}"
        else:
            return list(_FORMS[path.suffix][1](path.read_text("utf-8")))
    except (OSError, ValueError, RecursionError):
        problem = "it cannot be read"
    except (KeyError, TypeError, AttributeError):
        problem = "it is not in the form that its name says"
    raise UsageError(f"{path.name}: {problem}")


# JSON.


def to_json(turns: Sequence[Turn]) -> str:
    """A document with a record for each turn."""
    document = {"cellmage": _VERSION, "turns": [turn_to_record(turn) for turn in turns]}
    return json.dumps(document, indent=1) + "\n"


def _from_json(text: str) -> Iterator[Turn]:
    document = json.loads(text)
    if document["cellmage"] > _VERSION:
        raise UsageError("this file is of a later release: pip install --upgrade cellmage")
    return map(turn_from_record, document["turns"])


# Markdown: to be read; a comment at the end holds what markdown cannot say.


def to_markdown(turns: Sequence[Turn]) -> str:
    """Questions as headings and quotes, answers as they are."""
    parts = []
    for number, turn in enumerate(turns, 1):
        quoted = "\n".join(f"> {line}" for line in turn.prompt.splitlines())
        parts += [f"## {number}", _visible(quoted)]
        for each in turn.response.steps:
            called = [
                f"- {_code(call.name + call.arguments)}: {_code(call.result)}"
                for call in each.calls
            ]
            parts += [_visible(each.text), _visible("\n".join(called))]
        parts.append(_visible(turn.response.final_text))
    hidden = to_json(turns).replace("<", "\\u003c").replace(">", "\\u003e")
    return "\n\n".join([*parts, f"{_MARK}{hidden}-->"]) + "\n"


def _code(text: str) -> str:
    """A text on one line, as code that nothing in it can end."""
    line = " ".join(text.split())
    short = line if len(line) <= _LINE else f"{line[:_LINE]}…"
    fence = "`" * (1 + max(map(len, re.findall("`+", short)), default=0))
    return f"{fence} {short} {fence}"


def _visible(text: str) -> str:
    """An answer as UTF-8 can hold it."""
    return text.encode("utf-8", "replace").decode()


def _from_markdown(text: str) -> Iterator[Turn]:
    _, mark, hidden = text.rpartition(_MARK)
    if not mark:
        raise UsageError("this markdown file was not exported by cellmage")
    return _from_json(hidden.strip().removesuffix("-->"))


# Notebooks.


def to_notebook(turns: Sequence[Turn]) -> str:
    """A notebook that asks the same again, with the answers as its outputs."""
    cells = [_cell("load", "%load_ext cellmage", [], {})]
    for number, turn in enumerate(turns, 1):
        facts = {"id": turn.response.id, "prompt": turn.prompt}
        text = _visible(turn.response.text)
        output = {
            "output_type": "display_data",
            "data": {"text/markdown": text, "text/plain": text},
            "metadata": {"cellmage": facts},
        }
        source = f"%%llm\n{_visible(turn.prompt)}"
        cells.append(_cell(f"turn-{number}", source, [output], {"turn": turn_to_record(turn)}))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1) + "\n"


def _cell(name: str, source: str, outputs: list[Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": name,
        "execution_count": None,
        "metadata": {"cellmage": facts} if facts else {},
        "source": source,
        "outputs": outputs,
    }


def _from_notebook(text: str) -> Iterator[Turn]:
    turns: list[Turn] = []
    for turn, cut in _turns_in(json.loads(text)["cells"]):
        at = next((at for at, each in enumerate(turns) if cut and each.response.id == cut), None)
        if at is None:
            turns.append(turn)
        else:
            turns[at] = turn.continue_from(turns[at])
    return iter(turns)


def _turns_in(cells: list[Any]) -> Iterator[tuple[Turn, str]]:
    """The turns, each with the id of the answer that it goes on from."""
    for cell in cells:
        record = cell.get("metadata", {}).get("cellmage", {}).get("turn")
        if record:
            yield turn_from_record(record), ""
        elif cell["cell_type"] == "code":
            yield from _turns_of(cell)


def _turns_of(cell: Mapping[str, Any]) -> Iterator[tuple[Turn, str]]:
    """The turns of a cell as the magics leave it: the source asked, the outputs answer."""
    source = _joined(cell["source"])
    asked = source.partition("\n")[2] if source.lstrip().startswith("%%llm") else source
    answers: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for output in cell["outputs"]:
        facts = output.get("metadata", {}).get("cellmage", {})
        if "id" in facts and facts.get("part") != "reasoning" and not facts.get("again"):
            text, before = answers.get(facts["id"], ("", {}))
            plain = _joined(output["data"].get("text/plain", ""))
            answers[facts["id"]] = (text + plain, {**before, **facts})
    for ordinal, (text, facts) in enumerate(answers.values()):
        if text or facts.get("steps"):
            key = CellRef(cell["id"], ordinal) if "id" in cell else None
            turn = _turn(facts.get("prompt", asked), facts.get("text", text), facts, key)
            yield turn, facts.get("continues", "")


def _turn(prompt: str, text: str, facts: Mapping[str, Any], key: CellRef | None) -> Turn:
    usage = facts.get("usage")
    response = Response(
        text,
        facts.get("reasoning", ""),
        facts.get("model", ""),
        facts.get("provider", ""),
        facts.get("finish_reason"),
        Usage(**usage) if usage else None,
        incomplete_reason=facts.get("incomplete_reason"),
        notices=tuple(facts.get("notices", ())),
        id=facts["id"],
        steps=steps_from_record(facts.get("steps", ()), text),
    )
    return Turn(prompt, response, key, system=facts.get("system", ""))


def _joined(source: str | list[str]) -> str:
    """Notebook files hold long texts as lists of lines."""
    return source if isinstance(source, str) else "".join(source)


def cell_ids(path: Path) -> set[str]:
    """The ids of a notebook's cells; none where it cannot be read."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return set()
        cells = json.loads(path.read_text("utf-8"))["cells"]
        return {cell["id"] for cell in cells if "id" in cell}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()


Form = tuple[Callable[[Sequence[Turn]], str], Callable[[str], Iterator[Turn]]]
_FORMS: Mapping[str, Form] = {
    ".md": (to_markdown, _from_markdown),
    ".json": (to_json, _from_json),
    ".ipynb": (to_notebook, _from_notebook),
}
