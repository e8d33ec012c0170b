"""What differs between two questions, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..messages import Request
from .inputs import MODEL, PROMPT, SCHEMA, Input, Inputs
from .record import Record
from .word_diff import diff_words

_MAX_DIFFERENCES = 3
_PROMPT_CHANGED = "the prompt changed"

_TURN, _VALUE, _TOOL, _OPTION = "turn ", "value ", "tool ", "option "
"""The beginnings of the names of inputs: see `Input`."""


@dataclass(frozen=True, slots=True)
class _Change:
    """An input of two questions that differs.

    Args:
        name: its name without its kind.
        then: the older one; None if there was none.
        now: the newer one; None if there is none.
    """

    name: str
    then: Input | None
    now: Input | None

    @property
    def is_comparable(self) -> bool:
        """False if the newer one has no fingerprint."""
        return self.now is None or bool(self.now.digest)

    @property
    def is_own_schema(self) -> bool:
        """True if nothing but the schema of an answer differs."""
        return {self.old_words, self.new_words} <= {"", SCHEMA}

    @property
    def old_words(self) -> str:
        """The older one in words."""
        return self.then.words if self.then else ""

    @property
    def new_words(self) -> str:
        """The newer one in words."""
        return self.now.words if self.now else ""


def find_differences(
    old: Inputs, new: Inputs, turn_names: Sequence[str] = (), *, unstable: bool = True
) -> Iterator[str]:
    """Yield what differs, the most telling first.

    Args:
        old, new: what the two answers depend on.
        turn_names: the names of the turns before the newer question.
        unstable: False leaves out the inputs that cannot be compared.

    Example:
        >>> old = Inputs((Input("model", "1", "gpt-5"), Input("value df", "2", "1 204 rows")))
        >>> new = Inputs((Input("model", "1", "gpt-5"), Input("value df", "3", "1 310 rows")))
        >>> list(find_differences(old, new))
        ['df: 1 204 rows then, 1 310 now']
    """
    changes = _find_changes(old, new)
    for kind, describe in _KINDS.items():
        matches = [change for name, change in changes.items() if name.startswith(kind)]
        yield from (describe(change) for change in matches if unstable or change.is_comparable)
    yield from _turn_differences(old, new, turn_names)
    # The text of a value is in the prompt: where a value has changed, it says why.
    if PROMPT in changes and not any(name.startswith(_VALUE) for name in changes):
        yield _PROMPT_CHANGED


def _find_changes(old: Inputs, new: Inputs) -> Mapping[str, _Change]:
    """Return the inputs that differ, by their names; one without a digest always does."""
    before, after = old.by_name(), new.by_name()
    changes = {}
    for name in dict.fromkeys([*after, *before]):
        then, now = before.get(name), after.get(name)
        if then is None or now is None or not now.digest or then.digest != now.digest:
            kind = next((kind for kind in _KINDS if name.startswith(kind)), "")
            changes[name] = _Change(name.removeprefix(kind), then, now)
    return changes


def _turn_differences(old: Inputs, new: Inputs, names: Sequence[str]) -> Iterator[str]:
    """Yield what differs in the turns before: one line, because a change moves all others."""
    then = [item for item in old.items if item.name.startswith(_TURN)]
    now = [item for item in new.items if item.name.startswith(_TURN)]
    names = names[max(0, len(names) - len(now)) :]  # the oldest ones may not fit, and are not sent
    for index, item in enumerate(now):
        if index < len(then) and then[index].digest != item.digest and len(then) == len(now):
            name = names[index] if index < len(names) else item.name
            part = "answer" if then[index].words == item.words else "question"
            yield f"the {part} of {name} changed"
            return
    if len(then) != len(now):
        yield f"{_count(len(then))} before it then, {len(now)} now"


def _count(turns: int) -> str:
    return "1 turn" if turns == 1 else f"{turns} turns"


def _describe_value(change: _Change) -> str:
    if not change.is_comparable:
        return f"{change.name} cannot be compared"
    return _compare(change, f"{change.name} changed")


def _describe_tool(change: _Change) -> str:
    if not change.is_comparable:
        return f"the tool {change.name} cannot be compared"
    return _compare(change, f"the tool {change.name} changed")


def _describe_option(change: _Change) -> str:
    if change.is_own_schema:
        return _compare(replace(change, name="the schema"), "the schema changed")
    then, now = (words or "not set" for words in (change.old_words, change.new_words))
    if then == now:
        return f"{change.name} changed"
    return f"{change.name}: {then} then, {now} now"


def _describe_model(change: _Change) -> str:
    return f"the model was {change.old_words}"


def _describe_system(change: _Change) -> str:
    return "the system prompt changed"


def _compare(change: _Change, otherwise: str) -> str:
    if change.then is None or change.now is None:
        return f"{change.name} is {'new' if change.then is None else 'gone'}"
    then, now = change.old_words, change.new_words
    if not then or not now or then == now:
        return otherwise
    return f"{change.name}: {then} then, {_without_unit(now, then)} now"


def _without_unit(now: str, then: str) -> str:
    """Return a count without the words behind it that are those of the older one, too."""
    words, old = now.split(" "), then.split(" ")
    while len(words) > 1 and words[-1] == old[-1] and words[-1].isalpha():
        words.pop()
        old.pop()
    return " ".join(words)


_KINDS: Mapping[str, Callable[[_Change], str]] = {
    _VALUE: _describe_value,
    MODEL: _describe_model,
    _OPTION: _describe_option,
    "system": _describe_system,
    _TOOL: _describe_tool,
}
"""The kinds of inputs but for turns and the prompt, in the order in which they are told."""


def explain_stale(
    inputs: Inputs, nearest: Record | None, turn_names: Sequence[str] = (), *, unstable: bool = True
) -> str:
    """Return why an answer is out of date, for the user; empty without an older one.

    Args:
        inputs: what the answer depends on now.
        nearest: the older answer of the question.
        turn_names: the names of the turns before it.
        unstable: False leaves out the inputs that cannot be compared.
    """
    if nearest is None:
        return ""
    differences = find_differences(nearest.inputs, inputs, turn_names, unstable=unstable)
    return "; ".join(list(differences)[:_MAX_DIFFERENCES])


def explain_unstable(name: str) -> str:
    """Return a line about an input that has no fingerprint."""
    *_, plain = name.partition(" ")
    return (
        f"{plain} cannot be compared, so the answers that use it are not kept; "
        "cellmage.fingerprint.register gives it a fingerprint"
    )


def explain_miss(
    inputs: Inputs, nearest: Record | None, request: Request, problems: Sequence[str] = ()
) -> str:
    """Return why a replay has no answer, for the user.

    Args:
        inputs: what the answer depends on.
        nearest: the most similar answer that is recorded.
        request: the request.
        problems: what else may be the reason: lines of the recording that cannot be read.
    """
    miss = "the recording has no answer to this prompt"
    if nearest is None:
        return "; ".join([f"{miss}, and no similar one", *problems[:1]])
    differences = list(find_differences(nearest.inputs, inputs))[:_MAX_DIFFERENCES]
    if words := diff_words(nearest.prompt, request.messages[-1].text):
        others = [difference for difference in differences if difference != _PROMPT_CHANGED]
        differences = [*others, f"{_PROMPT_CHANGED}: {words}"]
    return "; ".join(
        [f"{miss}: since the nearest one, {differences[0]}", *differences[1:], *problems[:1]]
    )
