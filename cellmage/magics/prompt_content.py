"""Make the content of a prompt: its text, values of expressions, and what is attached."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..content import Content, Part, text_of, to_content
from ..describe import Description, Level, describe, message_of
from ..errors import UsageError
from ..fingerprint import Fingerprint
from ..model_table import reads_pdf
from ..prompt.interpolation import Interpolation, interpolate, join
from ..text import truncate
from .attachments import Attached, find_attached
from .cell_context import find_context
from .executed_cells import ExecutedCells
from .option_spelling import spell
from .prompt_files import PromptTexts
from .value_inputs import ValueInputs

_MAX_LISTED = 10
_NAME_CHARS = 40
_MAX_CHARS = 1_000_000
"""The texts of all attachments together."""


@dataclass(frozen=True, slots=True)
class PromptContent:
    """A prompt as it is sent.

    Args:
        content: a text, or parts.
        notice: a line for the user about what was inserted and attached; empty if nothing was.
        system: what is added to the system prompt.
        values: the fingerprints of what was inserted, attached or is searched.
    """

    content: Content
    notice: str = ""
    system: str = ""
    values: Mapping[str, Fingerprint | None] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The texts of the prompt."""
        return text_of(self.content)


@dataclass(frozen=True, slots=True)
class Notebook:
    """What a prompt may name.

    Args:
        variables: the variables of the user, by name.
        cells: the cells that ran.
        inputs: receives the fingerprints of what the prompt names.
    """

    variables: Mapping[str, Any]
    cells: ExecutedCells
    inputs: ValueInputs


@dataclass(slots=True)
class _Values:
    """Describes the values of expressions, and keeps the descriptions for the notice.

    Args:
        level: what may be sent of tables.
        inputs: receives the fingerprint of each value.
    """

    level: Level
    inputs: ValueInputs
    described: dict[str, Description] = field(default_factory=dict)

    def insert(self, source: str, value: Any) -> Sequence[Part]:
        self.inputs.add(source, value)
        self.described[source] = describe(value, self.level)
        return self.described[source].parts

    def explain(self, error: Exception, source: str) -> str:
        return message_of(error, source, self.level)


def make_content(
    args: Namespace,
    texts: PromptTexts,
    notebook: Notebook,
    level: Level,
    model_names: Callable[[], Sequence[str]],
) -> PromptContent:
    """Return a prompt with its values and attachments.

    Args:
        args: the flags of ``%%llm``.
        texts: the prompt, as the user typed it, and its snippets.
        notebook: the variables and cells of the user.
        level: what may be sent of tables.
        model_names: returns the models that may be asked: a document goes to those that read it.

    Raises:
        UsageError: a hole of a snippet has no value, an expression fails, or there is nothing of
            the name of an attachment.
    """
    inputs = notebook.inputs
    values, variables = _Values(level, inputs), notebook.cells.visible(notebook.variables)
    prompt = (
        Interpolation(texts.text)
        if args.interpolate is False
        else interpolate(
            texts.text, variables, bool(args.interpolate), values.insert, values.explain
        )
    )
    before, system = texts.fill(args, variables, values.insert)
    attached = find_context(args, notebook.cells, level)
    if args.attach:
        sees_documents = all(reads_pdf(name) is True for name in model_names())
        attached += find_attached(args.attach, variables, level, sees_documents, inputs)
    inputs.add_search(args, notebook.variables)
    content = _append(_prepend(before, prompt.content), attached)
    described = [*values.described.items(), *attached]
    lines = [spell(prompt.describe(), "everywhere"), *_sent_lines(described)]
    return PromptContent(content, " ".join(filter(None, lines)), system, inputs.fingerprints)


def _prepend(parts: Sequence[Part], content: Content) -> Content:
    """Return a content with parts before it; texts beside each other are one text."""
    return join([*parts, *([content] if isinstance(content, str) else content)])


def _append(content: Content, attached: Sequence[Attached]) -> Content:
    """Return a content with attachments behind it, each after a line that names it."""
    if not attached:
        return content
    parts = [*([content] if isinstance(content, str) else content)]
    for name, description in attached:
        parts += [f"\nAttached: {name}", *description.parts]
    result = to_content(_join_texts(parts))
    if len(text_of(result)) > _MAX_CHARS:
        raise UsageError(
            f"the attachments have more than {_MAX_CHARS} characters; nothing was sent; attach less"
        )
    return result


def _join_texts(parts: Sequence[Part]) -> list[Part]:
    """Return parts in which no text follows a text."""
    joined: list[Part] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] = f"{joined[-1]}\n{part}"
        else:
            joined.append(part)
    return joined


def _sent_lines(described: Sequence[Attached]) -> list[str]:
    """Return what is sent in counts, and what is left out."""
    sent = [
        f"{truncate(name, _NAME_CHARS)}, {item.counts}" for name, item in described if item.counts
    ]
    left_out = [
        f"{truncate(name, _NAME_CHARS)}, {item.left_out.replace(_LEVEL, '--data rows')}"
        for name, item in described
        if item.left_out
    ]
    return [_list("Sent", sent), _list("Not sent", left_out)]


_LEVEL = "level `rows`"


def _list(title: str, items: Sequence[str]) -> str:
    excess = len(items) - _MAX_LISTED
    more = f"; and {excess} more" if excess > 0 else ""
    return f"{title}: {'; '.join(items[:_MAX_LISTED])}{more}." if items else ""
