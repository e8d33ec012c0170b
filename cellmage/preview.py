"""How Python and a notebook show answers as values: one line, or markdown that cannot act."""

from __future__ import annotations

from collections.abc import Sequence

from .markdown.fences import close_fences
from .markdown.heal import heal
from .markdown.safe import SafeMarkdown
from .markdown.sanitize import sanitize
from .text import spell_out, strip_control_chars, truncate

_LINE_CHARS = 60
"""Characters of a text in one line."""

_MAX_TURNS = 20
"""The newest turns of a conversation that are shown."""


def answer_line(text: str, model: str, state: str) -> str:
    """Return an answer on one line.

    Args:
        text: its text.
        model: the name of the model; may be empty.
        state: "complete", or what cut it.

    Example:
        >>> answer_line("Once upon a time", "m", "complete")
        "<Response 'Once upon a time': 16 characters, m, complete>"
    """
    count = f"{len(text)} character{'' if len(text) == 1 else 's'}"
    details = ", ".join(filter(None, [count, model, state]))
    return spell_out(f"<Response {truncate(text, _LINE_CHARS)!r}: {details}>")


def answer_markdown(text: str, is_complete: bool) -> SafeMarkdown:
    """Return an answer as markdown that a notebook may show.

    Args:
        text: its text.
        is_complete: False for a text that was cut; its open markers are closed.

    Example:
        >>> answer_markdown("<script>", is_complete=True)
        '&lt;script>'
        >>> answer_markdown("**Ho", is_complete=False)
        '**Ho**'
    """
    return sanitize(text if is_complete else heal(text))


def answer_bundle(text: str, is_complete: bool) -> dict[str, str]:
    """Return an answer as the data of an output in a notebook's file, by MIME type.

    Args:
        text: its text.
        is_complete: False for a text that was cut.

    Example:
        >>> answer_bundle("a <b", is_complete=True)
        {'text/markdown': 'a &lt;b', 'text/plain': 'a <b'}
    """
    markdown = answer_markdown(text, is_complete)
    return {"text/markdown": markdown, "text/plain": strip_control_chars(text)}


def turns_markdown(turns: Sequence[tuple[str, str]]) -> SafeMarkdown:
    """Return questions and answers as markdown that a notebook may show, the newest if many.

    Args:
        turns: pairs of a question and its answer.

    Example:
        >>> print(turns_markdown([("Hi", "**Hello**")]))
        > Hi
        <BLANKLINE>
        **Hello**
    """
    newest = turns[-_MAX_TURNS:]
    older = f"*{len(turns) - len(newest)} older turns*" if len(newest) < len(turns) else ""
    blocks = [f"{_quote(prompt)}\n\n{close_fences(answer)}" for prompt, answer in newest]
    # As one text: what is a fence or a link depends on the text around it.
    return sanitize("\n\n".join(filter(None, [older, *blocks])))


def _quote(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())
