"""What differs between two questions, in words."""

from __future__ import annotations

from collections.abc import Iterator

from ..messages import Request
from .inputs import Inputs
from .record import Record

_MAX_DIFFERENCES = 3


def find_differences(old: Inputs, new: Inputs) -> Iterator[str]:
    """Yield what differs, the most telling first.

    Example:
        >>> from cellmage.recording.inputs import Input
        >>> old = Inputs((Input("model", "1", "gpt-5"), Input("value df", "2", "1 204 rows")))
        >>> new = Inputs((Input("model", "1", "gpt-5"), Input("value df", "3", "1 310 rows")))
        >>> list(find_differences(old, new))
        ['df: 1 204 rows then, 1 310 rows now']
    """
    before, after = old.by_name(), new.by_name()
    for name in dict.fromkeys([*after, *before]):
        then, now = before.get(name), after.get(name)
        if then is not None and now is not None and then.digest and then.digest == now.digest:
            continue
        label = name.removeprefix("value ").removeprefix("option ")
        if then is None or now is None:
            yield f"{label} is {'new' if then is None else 'gone'}"
        elif then.words != now.words and then.words and now.words:
            yield f"{label}: {then.words} then, {now.words} now"
        else:
            yield f"{label} has changed"


def explain_stale(inputs: Inputs, nearest: Record | None) -> str:
    """Return why the model is asked, for the user; empty if the question is new."""
    if nearest is None:
        return ""
    differences = list(find_differences(nearest.inputs, inputs))[:_MAX_DIFFERENCES]
    return f"asked again: {'; '.join(differences)}" if differences else ""


def explain_miss(inputs: Inputs, nearest: Record | None, request: Request) -> str:
    """Return why a replay has no answer, for the user."""
    if nearest is None:
        return "the recording has no answer to this prompt, and no similar one"
    differences = list(find_differences(nearest.inputs, inputs))[:_MAX_DIFFERENCES]
    text = "; ".join(differences)
    return f"the recording has no answer to this prompt; the nearest one differs: {text}"
