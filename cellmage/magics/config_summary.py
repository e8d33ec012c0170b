"""Say what holds after ``%llm_config``: the changed settings, and who is asked with which key."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import CellmageError
from ..providers.keys import Key
from ..providers.masking import mask_secrets
from ..providers.registry import resolve_models
from ..providers.servers import ResolvedModel
from ..text import clean_message, excerpt
from .option_spelling import spell
from .settings import Settings, default_options

_ADDRESS_SETTINGS = {"model", "base_url", "fallback", "persona"}
"""The settings that decide who is asked."""


def summarize(settings: Settings, changed: Iterable[str]) -> str:
    """Return lines about the settings that have changed.

    Args:
        settings: the settings as they are now.
        changed: the names of those that have changed.
    """
    names = list(changed)
    pairs = [f"{name} {_printable(getattr(settings, name))}" for name in names]
    lines = [f"Now set: {', '.join(pairs)}."] if pairs else []
    if not _ADDRESS_SETTINGS.isdisjoint(names):
        lines += _targets(settings)
    return "\n".join(lines)


def _printable(value: object) -> str:
    if value in (None, "", [], {}):
        return "—"
    return mask_secrets(excerpt(" ".join(clean_message(str(value)).split())))[0]


def _targets(settings: Settings) -> list[str]:
    """Return a line for each model that would be asked, or the line of the error."""
    try:
        return [_describe(model) for model in resolve_models(default_options(settings))]
    except CellmageError as error:
        return [spell(str(error), error.option)]


def _describe(resolved: ResolvedModel) -> str:
    key = getattr(resolved.provider, "api_key", None)
    name = excerpt(resolved.model)
    if not hasattr(resolved.provider, "endpoint"):
        return f"{name} needs no key." if resolved.model.startswith("offline/") else f"{name}."
    credentials = key.describe("with the key") if isinstance(key, Key) else "without a key"
    return f"{name} will be asked at {resolved.provider.name}, {credentials}."
