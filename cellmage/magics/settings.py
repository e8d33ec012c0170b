"""Settings: the traits of the magics class, and ``%llm_config`` over them."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_config_path
from traitlets import Bool, Dict, Enum, Float, HasTraits, Int, List, TraitError, Unicode

from ..display.text_table import aligned
from ..errors import CellmageError, UsageError
from ..options import Options
from ..pipeline import FIRST_WORD, IDLE
from ..pricing import need_prices
from ..prompt.personas import Persona, load_persona, personas
from ..providers.catalogue import Offer
from ..providers.registry import default_model, without_secrets
from .parsing import params


class Settings(HasTraits):
    """The one store of settings: ``%config``, ``ipython_config.py`` and ``%llm_config`` use it.

    ``folders`` is where personas are looked for.
    """

    folders: list[Path]

    model = Unicode(None, allow_none=True, help="The model, as provider/model.").tag(config=True)
    fallback = List(Unicode(), help="Models to ask when one does not answer.").tag(config=True)
    temperature = Float(None, min=0, max=2, allow_none=True, help="Sampling, 0 to 2.").tag(
        config=True
    )
    max_tokens = Int(None, min=1, allow_none=True, help="The longest answer.").tag(config=True)
    system = Unicode(None, allow_none=True, help="The system prompt.").tag(config=True)
    persona = Unicode(None, allow_none=True, help="The persona of every call.").tag(config=True)
    stream_by_default = Bool(True, help="Show answers as they are written.").tag(config=True)
    extra_body = Dict(help="Further parameters of the provider.").tag(config=True)
    base_url = Unicode(None, allow_none=True, help="The address of the server.").tag(config=True)
    stats = Bool(False, help="A line under each answer: times and tokens.").tag(config=True)
    spend_limit = Float(
        None, min=0, allow_none=True, help="US dollars that the notebook may cost."
    ).tag(config=True)
    collapse = Bool(True, help="Put the parts of an answer together at its end.").tag(config=True)
    max_context_turns = Int(None, min=0, allow_none=True, help="Earlier turns that are sent.").tag(
        config=True
    )
    max_context_tokens = Int(None, min=1, allow_none=True, help="Tokens that may be sent.").tag(
        config=True
    )
    store = Enum(("auto", "on", "off"), "auto", help="Keep conversations on disk.").tag(config=True)
    resume = Enum(("always", "ask", "never"), "ask", help="When the extension is loaded.").tag(
        config=True
    )
    image_hosts = List(Unicode(), help="Hosts whose images are loaded.").tag(config=True)
    connect_timeout = Float(
        None, min=0.001, allow_none=True, help="Seconds for the connection."
    ).tag(config=True)
    first_byte_timeout = Float(
        None, min=0.001, allow_none=True, help="Seconds until the server begins to answer."
    ).tag(config=True)
    timeout = Float(FIRST_WORD, min=0.001, help="Seconds for the first word.").tag(config=True)
    idle_timeout = Float(IDLE, min=0.001, help="Seconds between two pieces.").tag(config=True)


# The settings that are fields of Options, under the same name.
_FIELDS = (
    "model", "temperature", "max_tokens", "system", "base_url",
    "connect_timeout", "first_byte_timeout", "timeout", "idle_timeout",
    "max_context_turns", "max_context_tokens",
)  # fmt: skip


def folders() -> list[Path]:
    """Where personas are looked for, before the built-in ones; none is made.

    A kernel starts in the notebook's folder: to be asked when the extension is loaded.
    """
    return [Path.cwd() / "llm_personas", user_config_path("cellmage") / "personas"]


def options_of(settings: Settings, args: Namespace) -> Options:
    """The options of one call: its flags, then the persona, then the settings."""
    flags = Options(
        model=args.model,
        temperature=args.temperature,
        max_tokens=args.max_tokens,
        stream=args.stream,
        system=args.system,
        max_context_turns=args.max_context_turns,
        stop_at=tuple(args.stop_at or ()) or None,
        watch=tuple(args.watch or ()) or None,
        extra_body=params(args.param),
    )
    return Options.resolve(flags, defaults_of(settings, args.persona))


def defaults_of(settings: Settings, persona: str | None = None) -> Options:
    """What holds where a call says nothing: the persona, then the settings."""
    persona = persona or settings.persona
    return Options.resolve(
        load_persona(persona, settings.folders).options if persona else Options(),
        Options(
            **{name: getattr(settings, name) for name in _FIELDS},
            fallback=tuple(settings.fallback) or None,
            stream=settings.stream_by_default,
            extra_body=settings.extra_body,
        ),
    )


def configure(settings: Settings, given: dict[str, Any], args: Namespace) -> None:
    """Set what the flags of ``%llm_config`` say: all of it, or nothing and an error.

    Args:
        settings: what is changed.
        given: what earlier calls have set; it is brought up to date.
        args: the flags.
    """
    names = [
        *_FIELDS,
        "fallback",
        "persona",
        "stream_by_default",
        "stats",
        "spend_limit",
        "store",
        "resume",
        "collapse",
        "image_hosts",
    ]
    changes = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if args.no_persona:
        changes["persona"] = None
    before = _configured(settings) if args.reset else {}
    if args.param or args.remove_param:
        current = before.get("extra_body", {}) if args.reset else settings.extra_body
        changes["extra_body"] = _changed_params(current, args)
    Options(
        **{name: value for name, value in changes.items() if name in _FIELDS},
        extra_body=changes.get("extra_body", {}),
    )
    if changes.get("persona"):
        load_persona(changes["persona"], settings.folders)
    if "spend_limit" in changes:
        need_prices()
    for name in list(given) if args.reset else ():
        setattr(settings, name, before.get(name, settings.traits()[name].default()))
        del given[name]
    for name, value in changes.items():
        setattr(settings, name, value)
        given[name] = value


def _changed_params(current: Mapping[str, Any], args: Namespace) -> dict[str, Any]:
    unknown = set(args.remove_param or ()) - set(current)
    if unknown:
        raise UsageError(f"--remove-param: {', '.join(sorted(unknown))} is not set")
    kept = {key: current[key] for key in current if key not in (args.remove_param or ())}
    return kept | params(args.param)


def _configured(settings: Settings) -> Mapping[str, Any]:
    """What ``ipython_config.py`` and ``%config`` have set."""
    section: dict[str, Any] = getattr(settings, "config", {}).get(type(settings).__name__, {})
    drop_unusable(section)
    return section


def drop_unusable(section: dict[str, Any]) -> list[str]:
    """Take out what no setting can be: ``%config`` keeps a value that it has refused.

    Returns:
        a line for each that was dropped.
    """
    dropped = []
    for name, value in list(section.items()):
        try:
            Settings(**{name: value})
        except TraitError:
            shown, _ = without_secrets(repr(value))
            dropped.append(f"{name} cannot be {shown}; the setting is ignored")
            del section[name]
    return dropped


def rows(settings: Settings, given: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Every setting: its name, its value, and where that comes from."""
    return [_row(settings, given, name) for name in Settings.class_trait_names(config=True)]


def _row(settings: Settings, given: Mapping[str, Any], name: str) -> tuple[str, str, str]:
    value = getattr(settings, name)
    if name in given and given[name] == value:
        source = "flag"
    elif name in _configured(settings):
        source = "config"
    else:
        source = "default"
    if value is None and name in _ENVIRONMENT:
        value, variable = _ENVIRONMENT[name](settings)
        source = f"environment, {variable}" if variable else source
    return name, _shown(name, value), source


def _model_from(settings: Settings) -> tuple[str, str | None]:
    names = ("CELLMAGE_MODEL", "OPENAI_BASE_URL", "OPENAI_API_KEY")
    variable = next((name for name in names if os.environ.get(name)), None)
    return default_model(base_url=settings.base_url), variable


def _base_url_from(settings: Settings) -> tuple[str | None, str | None]:
    value = os.environ.get("OPENAI_BASE_URL")
    return value, "OPENAI_BASE_URL" if value else None


_ENVIRONMENT = {"model": _model_from, "base_url": _base_url_from}


def _shown(name: str, value: Any) -> str:
    """A value as it can be shown: not where a call would refuse it, for it may hold a secret."""
    if value in (None, {}, []):
        return "—"
    try:
        Options(**{name: value} if name in (*_FIELDS, "extra_body") else {})
    except CellmageError:
        return "cannot be used"
    line = " ".join(str(value).split())
    return line if len(line) <= 60 else line[:59] + "…"


def models_of(offers: Iterable[Offer]) -> Iterator[tuple[str, str]]:
    """A row for each model, and one for each server that did not say."""
    for offer in offers:
        for model in offer.models or (offer.error,):
            yield offer.server, model


def persona_list(where: list[Path]) -> str:
    """The personas that can be named, with what they are for."""
    return aligned([(name, _description(name, where)) for name in personas(where)])


def _description(name: str, where: list[Path]) -> str:
    try:
        return load_persona(name, where).description
    except UsageError as error:
        return f"(cannot be used: {error})"


def persona_text(persona: Persona) -> str:
    """A persona as the model will read it."""
    return f"{persona.name}: {persona.description}\n\n{persona.options.system or ''}"
