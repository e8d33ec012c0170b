"""Lists that the magics show: settings, models and personas."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..display.listing import Listing, Row
from ..display.outputs import publish_listing
from ..errors import CellmageError, UsageError
from ..messages import Response
from ..options import Options
from ..prompt.personas import Persona, find_personas, load_persona
from ..prompt.snippets import hole_names, read_snippet, snippet_names
from ..providers.catalogue import Offer
from ..providers.endpoints import (
    CONNECT_SECONDS,
    ENDPOINTS,
    FIRST_BYTE_SECONDS,
    LOOPBACK_FIRST_BYTE_SECONDS,
)
from ..providers.registry import default_model
from ..stats import UNKNOWN, response_stats
from ..tools import Tool
from .aliases import Aliases
from .frontend import print_line
from .settings import OPTION_FIELDS, Settings, config_section

_NOT_LISTED = {"system", "droppable"}
_MAX_VALUE_CHARS = 60
_MAX_MODEL_CHARS = 200
"""The longest name of a model, and the longest error in its place."""
_MAX_DESCRIPTION_CHARS = 120

_SECONDS_SETTINGS = frozenset({"connect_timeout", "first_byte_timeout", "timeout", "idle_timeout"})
_UNSET_VALUES = {
    "connect_timeout": f"{CONNECT_SECONDS:g} s",
    "first_byte_timeout": f"{FIRST_BYTE_SECONDS:g} s, "
    f"{LOOPBACK_FIRST_BYTE_SECONDS:g} s on this machine",
}
"""What a provider does where a setting has no value."""

_DEFAULT = "default"
_PARAMETERS = {"param": "extra_body"}
"""The settings that have another name than their flag."""


def list_settings(
    settings: Settings, set_by_flag: Mapping[str, Any], parser: ArgumentParser
) -> Listing:
    """Return every setting with its value and its origin: first those that were changed.

    Args:
        settings: the settings.
        set_by_flag: the values that flags have set.
        parser: has the flags of the settings in the groups of ``--help``.
    """
    names = Settings.class_trait_names(config=True)
    rows = {name: _settings_row(settings, set_by_flag, name) for name in names}
    is_changed = {name for name, row in rows.items() if row["from"] != _DEFAULT}
    sections = {"Changed": [row for name, row in rows.items() if name in is_changed]}
    for group in parser._action_groups:
        flags = (_PARAMETERS.get(action.dest, action.dest) for action in group._group_actions)
        unchanged = [rows[name] for name in flags if name in rows.keys() - is_changed]
        sections[group.title or ""] = unchanged
    sections = {heading: rows for heading, rows in sections.items() if rows}
    return Listing(["setting", "value", "from"], sections, text_chars=_MAX_VALUE_CHARS)


def _settings_row(settings: Settings, set_by_flag: Mapping[str, Any], name: str) -> Row:
    value = getattr(settings, name)
    if name in set_by_flag and set_by_flag[name] == value:
        source = "flag"
    elif name in config_section(settings):
        source = "config"
    else:
        source = _DEFAULT
    if value is None and name in _ENVIRONMENT:
        value, variable = _ENVIRONMENT[name](settings)
        source = f"environment, {variable}" if variable else source
    return {"setting": name, "value": _printable_value(name, value), "from": source}


def _model_from_environment(settings: Settings) -> tuple[str, str | None]:
    variables = ("CELLMAGE_MODEL", "OPENAI_BASE_URL", "OPENAI_API_KEY")
    variable = next((name for name in variables if os.environ.get(name)), None)
    return default_model(base_url=settings.base_url), variable


def _base_url_from_environment(settings: Settings) -> tuple[str | None, str | None]:
    value = os.environ.get("OPENAI_BASE_URL")
    return value, "OPENAI_BASE_URL" if value else None


_ENVIRONMENT = {"model": _model_from_environment, "base_url": _base_url_from_environment}


def _printable_value(name: str, value: Any) -> str:
    """Return a value as text; not one that a call would refuse, for it may contain a secret."""
    if value is None and name in _UNSET_VALUES:
        return _UNSET_VALUES[name]
    if value in (None, {}, []):
        return "—"
    if name in _SECONDS_SETTINGS:
        return f"{value:g} s"
    try:
        if name in (*OPTION_FIELDS, "extra_body"):
            value = getattr(Options(**{name: value}), name)  # an address, as it is used
    except CellmageError:
        return "cannot be used"
    return str(value)


_OFTEN_UNKNOWN = {"reasoning", "cached", "window", "cost"}
"""The columns that are left out where no row has a value."""


def list_latencies(responses: Iterable[tuple[Response, bool]]) -> Listing:
    """Return a row for each answer: when its first text was seen, and its other figures.

    Args:
        responses: complete answers, each with whether it was streamed.
    """
    rows = [_latency_row(response, is_streamed) for response, is_streamed in responses]
    unknown = {name for name in rows[0] if all(row[name] == UNKNOWN for row in rows)}
    columns = [name for name in rows[0] if name not in unknown & _OFTEN_UNKNOWN]
    return Listing(columns, {"": rows})


def latency_mode(is_streamed: bool) -> str:
    """Return the name of the way in which an answer was asked for."""
    return "streamed" if is_streamed else "complete"


def _latency_row(response: Response, is_streamed: bool) -> dict[str, str]:
    columns = response_stats(response)
    model, first_text = columns.pop("model"), columns.pop("first token")
    seen_after, mode = first_text if is_streamed else columns["duration"], latency_mode(is_streamed)
    return {"model": model, "mode": mode, "seen after": seen_after, **columns}


_is_quiet: ContextVar[bool] = ContextVar("is_quiet", default=False)


@contextmanager
def quiet_tables() -> Iterator[None]:
    """Show no table in the block: its value is all that is wanted."""
    token = _is_quiet.set(True)
    try:
        yield
    finally:
        _is_quiet.reset(token)


def show(result: str | Listing) -> Listing | None:
    """Print a text, or show a table and return it."""
    if isinstance(result, Listing):
        if not _is_quiet.get():
            publish_listing(result)
        return result
    print_line(result)
    return None


def list_offers(offers: Iterable[Offer], keys: Mapping[str, str]) -> Listing:
    """Return the models of each server, and whether it has a key.

    Args:
        offers: the models of servers, or why they did not list them.
        keys: the ends of the keys of other providers, by the prefix of their models.
    """
    sections = {f"{offer.server}, {offer.key or 'no key'}": _model_rows(offer) for offer in offers}
    if keys:
        sections["Other providers"] = [_key_row(prefix, key) for prefix, key in keys.items()]
    return Listing(["model"], sections, text_chars=_MAX_MODEL_CHARS)


def _key_row(prefix: str, key: str) -> Row:
    variable = ENDPOINTS[prefix].api_key_variable
    state = key or f"no key: {variable} is not set"
    return {"server": prefix, "key": key, "model": f"{prefix}/…, {state}"}


def _model_rows(offer: Offer) -> list[Row]:
    names = offer.models or (offer.error,)
    return [{"server": offer.server, "key": offer.key, "model": name} for name in names]


def list_tools(servers: Iterable[tuple[str, Sequence[Tool[..., Any]] | CellmageError]]) -> Listing:
    """Return the tools of each server, as ``--tool`` names them.

    Args:
        servers: the tools of servers, or why they did not list them.
    """
    sections = {f"mcp:{name}": _tool_rows(name, tools) for name, tools in servers}
    return Listing(["tool", "description"], sections, text_chars=_MAX_DESCRIPTION_CHARS)


def _tool_rows(server: str, tools: Sequence[Tool[..., Any]] | CellmageError) -> list[Row]:
    if isinstance(tools, CellmageError):
        return [{"tool": "—", "description": str(tools)}]
    return [
        {"tool": tool.name, "description": " ".join(tool.schema["description"].split())}
        for tool in tools
    ]


def list_personas(folders: list[Path]) -> Listing:
    """Return the names of the personas, with their descriptions."""
    names = find_personas(folders)
    rows = [{"persona": name, "description": _description(name, folders)} for name in names]
    return Listing(["persona", "description"], {"": rows}, text_chars=_MAX_DESCRIPTION_CHARS)


def list_snippets(folders: Sequence[Path]) -> Listing:
    """Return the names of the snippets, with the names of their holes."""
    rows = []
    for name in snippet_names(folders):
        try:
            holes = ", ".join(hole_names(read_snippet(name, folders)))
        except UsageError as error:
            holes = f"(cannot be used: {error})"
        rows.append({"snippet": name, "holes": holes})
    return Listing(["snippet", "holes"], {"": rows}, "" if rows else _NO_SNIPPETS)


_NO_SNIPPETS = "No snippets yet; put files into llm_snippets/"


def list_aliases(aliases: Aliases) -> Listing:
    """Return the aliases with their models, and the files that name them."""
    rows = [
        {"alias": name, "model": model, "from": str(path)}
        for name, (model, path) in sorted(aliases.all().items())
    ]
    end = "" if rows else "No aliases yet; %llm_config --alias NAME MODEL makes one"
    return Listing(["alias", "model", "from"], {"": rows}, end)


def _description(name: str, folders: list[Path]) -> str:
    try:
        return load_persona(name, folders).description
    except UsageError as error:
        return f"(cannot be used: {error})"


def persona_text(persona: Persona) -> str:
    """Return a persona with its description, the options that it sets, and its system prompt."""
    heading = f"{persona.name}: {persona.description}" if persona.description else persona.name
    names = [option.name for option in fields(Options) if option.name not in _NOT_LISTED]
    values = {name: getattr(persona.options, name) for name in names}
    settings = [f"{name}: {value}" for name, value in values.items() if value not in (None, {})]
    return "\n".join([heading, *settings, "", persona.options.system or ""])
