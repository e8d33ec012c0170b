"""Lists that the magics print: settings, models and personas."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..display.text_table import format_columns
from ..errors import CellmageError, UsageError
from ..messages import Response
from ..options import Options
from ..prompt.personas import Persona, find_personas, load_persona
from ..providers.catalogue import Offer
from ..providers.registry import default_model
from ..stats import response_stats
from ..text import truncate
from .settings import OPTION_FIELDS, Settings, config_section

_MAX_VALUE_CHARS = 60


def settings_table(settings: Settings, set_by_flag: Mapping[str, Any]) -> str:
    """Return every setting with its value, and with the place where the value was set."""
    names = Settings.class_trait_names(config=True)
    rows = [_settings_row(settings, set_by_flag, name) for name in names]
    return format_columns([("setting", "value", "from"), *rows])


def _settings_row(
    settings: Settings, set_by_flag: Mapping[str, Any], name: str
) -> tuple[str, str, str]:
    value = getattr(settings, name)
    if name in set_by_flag and set_by_flag[name] == value:
        source = "flag"
    elif name in config_section(settings):
        source = "config"
    else:
        source = "default"
    if value is None and name in _ENVIRONMENT:
        value, variable = _ENVIRONMENT[name](settings)
        source = f"environment, {variable}" if variable else source
    return name, _printable_value(name, value), source


def _model_from_environment(settings: Settings) -> tuple[str, str | None]:
    variables = ("CELLMAGE_MODEL", "OPENAI_BASE_URL", "OPENAI_API_KEY")
    variable = next((name for name in variables if os.environ.get(name)), None)
    return default_model(base_url=settings.base_url), variable


def _base_url_from_environment(settings: Settings) -> tuple[str | None, str | None]:
    value = os.environ.get("OPENAI_BASE_URL")
    return value, "OPENAI_BASE_URL" if value else None


_ENVIRONMENT = {"model": _model_from_environment, "base_url": _base_url_from_environment}


def _printable_value(name: str, value: Any) -> str:
    """Return a value on one line; not one that a call would refuse, for it may contain a secret."""
    if value in (None, {}, []):
        return "—"
    try:
        if name in (*OPTION_FIELDS, "extra_body"):
            value = getattr(Options(**{name: value}), name)  # an address, as it is used
    except CellmageError:
        return "cannot be used"
    return truncate(str(value), _MAX_VALUE_CHARS)


def latency_table(responses: Iterable[tuple[Response, bool]]) -> str:
    """Return a line for each answer: when its first text was seen, and its other figures.

    Args:
        responses: complete answers, each with whether it was streamed.
    """
    rows = [_latency_row(response, is_streamed) for response, is_streamed in responses]
    return format_columns([tuple(rows[0]), *(tuple(row.values()) for row in rows)])


def _latency_row(response: Response, is_streamed: bool) -> dict[str, str]:
    columns = response_stats(response)
    model, first_text = columns.pop("model"), columns.pop("first token")
    mode, seen_after = (
        ("streamed", first_text) if is_streamed else ("complete", columns["duration"])
    )
    return {"model": model, "mode": mode, "seen after": seen_after, **columns}


def models_table(offers: Iterable[Offer]) -> str:
    """Return a line for each model, and one for each server that did not list its models."""
    return format_columns([("server", "model"), *_model_rows(offers)])


def _model_rows(offers: Iterable[Offer]) -> Iterator[tuple[str, str]]:
    for offer in offers:
        for model in offer.models or (offer.error,):
            yield offer.server, model


def personas_table(folders: list[Path]) -> str:
    """Return the names of the personas, with their descriptions."""
    return format_columns([(name, _description(name, folders)) for name in find_personas(folders)])


def _description(name: str, folders: list[Path]) -> str:
    try:
        return load_persona(name, folders).description
    except UsageError as error:
        return f"(cannot be used: {error})"


def persona_text(persona: Persona) -> str:
    """Return a persona with its description and its system prompt."""
    return f"{persona.name}: {persona.description}\n\n{persona.options.system or ''}"
