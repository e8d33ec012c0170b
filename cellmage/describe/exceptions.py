"""Describe an exception by its traceback; its message only as far as it is no data."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Iterator
from types import CodeType, TracebackType

from .description import MAX_CHARS, Description, Level, bound
from .registry import register
from .type_names import type_name

_MAX_FRAMES = 50
_MAX_CAUSES = 5
_MAX_MESSAGE_CHARS = 2_000

_WORDS = re.compile(r"[\w.]+")

# The words of Python's own messages, and those with which people write theirs.
_USUAL_WORDS = """
a all already an and any are arg args argument arguments array arrays as assigned assignment at
attribute axis bad base be bool boolean broadcast but by bytes call callable called can cannot
character characters class closed column columns complex constant contain contains conversion
convert could data dataframe datetime decimal decode decoded defined delete dict did dimension
dimensions directory division do does dtype duplicate either empty encode end error exceeded
exist exists expected fail failed field file find first float for format found from function
generator get given got greater has hash hashable have if import in index indices input int
integer integers interpreted invalid is it item items iterable iterator its join key keys
keyword length less letter levels line list literal local long loop maximum may mean method
minimum missing mode module more multiple must name names nan nat negative no non none nonetype
not null number numbers object objects of on one only open operand operands operation or order
out outside overflow pandas parameter parse parsing permission position positional possible
range read recursion referenced required result return row rows same scalar sequence series set
shape shapes should size slice some stop str string strings subscriptable such sum support
supported syntax table takes than that the there this time timestamp to together too tuple type
types unable unexpected unhashable unique unknown unpack unsupported use value values variable
was were when where while with without write wrong you your zero
"""
_VOCABULARY = frozenset(_USUAL_WORDS.split())


@register(BaseException)
def describe_exception(value: BaseException, level: Level) -> Description:
    """An exception is sent as its traceback. Below `rows` the message has no data in it."""
    lines = [line for error in _chain(value) for line in _lines(error, level)]
    description = bound("".join(lines), MAX_CHARS, "{{ str(name) }} sends its message alone")
    is_cut = level != "rows"
    counts = f"a traceback{' without the values in its message' if is_cut else ''}"
    return Description(description.parts, counts, description.left_out)


def _chain(error: BaseException) -> list[BaseException]:
    """Return the causes of an exception, the first one first, and itself."""
    errors = [error]
    while len(errors) < _MAX_CAUSES:
        last = errors[-1]
        cause = last.__cause__ or (None if last.__suppress_context__ else last.__context__)
        if cause is None or cause in errors:
            break
        errors.append(cause)
    return errors[::-1]


def _lines(error: BaseException, level: Level) -> Iterator[str]:
    frames = traceback.extract_tb(error.__traceback__, limit=-_MAX_FRAMES)
    if frames:
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_list(frames)
    message = str(error)[:_MAX_MESSAGE_CHARS] if level == "rows" else safe_message(error)
    yield f"{type_name(type(error))}{f': {message}' if message else ''}\n"


def safe_message(error: BaseException, source: str = "") -> str:
    """Return the message of an exception with "…" for each word that may be data.

    A word stays if it is in the code that failed, or a usual word of messages.

    Args:
        error: the exception.
        source: further code that failed.

    Example:
        >>> safe_message(ValueError("could not convert string to float: 'Smith'"))
        "could not convert string to float: '…'"
    """
    known = {word.lower() for text in (source, *_code_texts(error)) for word in _words(text)}
    known |= _VOCABULARY

    def show(match: re.Match[str]) -> str:
        return match[0] if match[0].strip(".").lower() in known else "…"

    return _WORDS.sub(show, str(error)[:_MAX_MESSAGE_CHARS])


def _words(text: str) -> Iterable[str]:
    return (
        word for match in _WORDS.findall(text) for word in (match.strip("."), *match.split("."))
    )


def _code_texts(error: BaseException) -> Iterator[str]:
    """Yield the names and the constant texts of the code in a traceback."""
    tb: TracebackType | None = error.__traceback__
    for _ in range(_MAX_FRAMES):
        if tb is None:
            return
        yield from _constants(tb.tb_frame.f_code)
        tb = tb.tb_next


def _constants(code: CodeType) -> Iterator[str]:
    yield from (*code.co_names, *code.co_varnames, code.co_name)
    yield from (constant for constant in code.co_consts if isinstance(constant, str))
