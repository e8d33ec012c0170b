"""Describe an exception by its traceback, and by the words of its message that are not data."""

from __future__ import annotations

import linecache
import re
import traceback
from collections.abc import Iterable, Iterator
from types import CodeType, TracebackType

from ..runtime.time_limit import run_within
from .description import MAX_CHARS, Description, Level, bound
from .registry import REPR_SECONDS, register
from .type_names import type_name

_MAX_FRAMES = 50
_MAX_CAUSES = 5
_MAX_MESSAGE_CHARS = 2_000

_LIBRARY_FOLDER = re.compile(r'"[^"\n]*[/\\](?:site|dist)-packages[/\\]')
_CELL_FILE = re.compile(r'"[^"]*ipykernel_\d+[/\\][^"]*\.py"')

_WORDS = re.compile(r"[\w.]+")

_SIZE_DIGITS = 3
_BEFORE_SIZE = re.compile(
    r"\b(?:expected|got|size|axis|base|missing|takes|given|Errno|length|shapes?(?: \([\d, ]*\))?)"
    r"(?: and| from)? ?\(?(?:\d{1,3}, ?)*$"
)
"""The words before a number that counts; other numbers may be cells."""

# The words of Python's own messages, and those with which people write theirs.
_USUAL_WORDS = """
a access accessor after align aligned all allocate already ambiguous an and any are arg args
argument arguments array arrays as assigned assignment associated async at attribute await aware
axis bad base be before bool boolean bounds broadcast but by bytes call callable called can
cancelled cannot changed character characters circular class closed column columns compare
comparison comparisons complex concat concatenate connection constant contain containing
contains converge convergence conversion convert coroutine could data dataframe datetime decimal
decode decoded defined delete denied deprecated depth device dict did dimension dimensional
dimensions directory division do does dtype duplicate duplicated during either element elements
empty encode end enough errno error estimator event exceeded exist exists expected fail failed
feature features field file find finite first fitted float float32 float64 for format found freq
frequency from full function generator get given got greater has hash hashable have if
implemented import in incompatible inconsistent index indices infinity inhomogeneous initialized
input insert instead int int32 int64 integer integers interpreted into invalid is it item items
iterable iteration iterator its join kernel key keys keyword label labels lambda large least len
length less letter levels line list literal local long loop many mask match matches matrix
maximum may mean memory merge method minimum missing mode module monotonic more multiple
multiplied must na naive name named names nan nat ndarray ndim negative no non none nonetype not
np null number numbers object objects of offset on one only open operand operands operation or
order os out outside overflow pandas parameter parse parsing pathlike pd permission position
positional possible proceed protocol range rank reached read recursion referenced refused
reindex removed requested require required requires reset reshape result return row rows running
s same samples scalar scalars sequence series set setting shape shapes should singular size
sizes slice some sorted stop stopped str string strings subscriptable subset such sum support
supported syntax t table takes target targets task tensor tensors than that the there this time
timed timeout timestamp timezone to together too truth truthvalue tuple type types unable
unexpected unhashable unique unknown unpack unsupported use value values variable version was
were when where while wish with without write wrong you your zero
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
        lines = traceback.format_list(map(_without_made_name, frames))
        # The path of a cell has the number of the kernel's process: no prompt would be equal.
        # That of a library has the folder where it is installed.
        for line in lines:
            yield _LIBRARY_FOLDER.sub('"', _CELL_FILE.sub('"a cell"', line))
    message = str(error)[:_MAX_MESSAGE_CHARS] if level == "rows" else safe_message(error)
    yield f"{type_name(type(error))}{f': {message}' if message else ''}\n"


def _without_made_name(frame: traceback.FrameSummary) -> traceback.FrameSummary:
    """Return a frame without the name of its function if its code was made of a text."""
    if not _is_made(frame.filename):
        return frame
    return traceback.FrameSummary(frame.filename, frame.lineno, "…", lookup_line=False)


def _is_made(filename: str) -> bool:
    """Return whether code was made of a text (`exec`, `eval`): its names may be cells."""
    is_file = not filename.startswith("<") or filename.startswith("<frozen ")
    return not is_file and not linecache.getlines(filename)


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
    vocabulary = {word.lower() for text in (source, *_code_texts(error)) for word in _words(text)}
    vocabulary |= _VOCABULARY
    message = str(error)[:_MAX_MESSAGE_CHARS]

    def show(match: re.Match[str]) -> str:
        words = filter(None, match[0].lower().split("."))
        is_size = len(match[0]) <= _SIZE_DIGITS and match[0].isdecimal()
        if is_size and _BEFORE_SIZE.search(message[: match.start()]):
            return match[0]
        return match[0] if all(word in vocabulary for word in words) else "…"

    return _WORDS.sub(show, message)


def message_of(error: BaseException, source: str, level: Level) -> str:
    """Return the message of an error for the user; empty if its class fails to make one.

    Args:
        error: the exception.
        source: the code that failed.
        level: below `rows` no word that may be data is in it.
    """
    try:
        return run_within(
            REPR_SECONDS, lambda: str(error) if level == "rows" else safe_message(error, source)
        )
    except Exception:  # noqa: BLE001 - the class of an error may raise anything
        return ""


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
        if not _is_made(tb.tb_frame.f_code.co_filename):
            yield from _constants(tb.tb_frame.f_code)
        tb = tb.tb_next


def _constants(code: CodeType) -> Iterator[str]:
    yield from (*code.co_names, *code.co_varnames, code.co_name)
    yield from (constant for constant in code.co_consts if isinstance(constant, str))
