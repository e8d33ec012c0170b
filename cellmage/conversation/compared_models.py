"""The names of the models that are asked the same question."""

from __future__ import annotations

from collections.abc import Sequence

from ..arguments import NAME, NAMES, check
from ..errors import UsageError
from ..text import excerpt


def read_names(models: str | Sequence[str], select: str | None) -> tuple[list[str], str]:
    """Return the names of models, and the one whose answer becomes a turn.

    Args:
        models: a list, or a text with commas between the names.
        select: the one; None selects the first.

    Raises:
        UsageError: there are fewer than two models, or the selected one is not among them.

    Example:
        >>> read_names("a, b", None), read_names(["a", "b"], "b")
        ((['a', 'b'], 'a'), (['a', 'b'], 'b'))
    """
    listed = models.split(",") if isinstance(models, str) else models
    names = [name.strip() for name in check("models", listed, NAMES)]
    if len(set(names)) < max(2, len(names)):
        raise UsageError("give several models, each of them once, with commas between them")
    selected = names[0] if select is None else check("select", select, NAME)
    if selected not in names:
        raise UsageError(
            f"{excerpt(selected)} cannot be selected; it is not one of {', '.join(names)}"
        )
    return names, selected
