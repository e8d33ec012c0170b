"""Settings: the traits of the magics class, and ``%llm_config`` over them."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_config_path
from traitlets import Bool, Dict, Enum, Float, HasTraits, Int, List, TraitError, Unicode

from ..errors import UsageError
from ..mcp import check_file
from ..options import APIS, DATA_LEVELS, EFFORTS, Options
from ..pipeline.timeouts import FIRST_TOKEN_SECONDS, IDLE_SECONDS
from ..pricing import require_price_list
from ..prompt.personas import load_persona
from ..providers.masking import mask_secrets
from ..recording.file_recordings import SPEEDS
from ..text import excerpt
from .aliases import Aliases
from .flag_values import parse_params
from .notebook_paths import working_folder
from .recording_flags import recording_changes, select_named

KEEP_MODES = ("on", "off", "ask", "lock")
"""What ``keep`` may be: show kept answers, ask for all, ask the user where one is stale, or show
those of a file beside the notebook.
"""


class Settings(HasTraits):
    """The settings of the magics; ``%config``, ``ipython_config.py`` and ``%llm_config`` set them.

    Attributes:
        folders: the folders of personas.
        aliases: the short names of models.
    """

    folders: list[Path]
    aliases: Aliases

    model = Unicode(None, allow_none=True, help="The model, as provider/model.").tag(config=True)
    fallback = List(Unicode(), help="Models to ask when the model does not answer.").tag(
        config=True
    )
    temperature = Float(None, min=0, max=2, allow_none=True, help="Sampling, 0 to 2.").tag(
        config=True
    )
    effort = Enum(EFFORTS, None, allow_none=True, help="How much the model reasons.").tag(
        config=True
    )
    api = Enum(APIS, None, allow_none=True, help="The API by which the server is asked.").tag(
        config=True
    )
    max_tokens = Int(None, min=1, allow_none=True, help="The longest answer, in tokens.").tag(
        config=True
    )
    system = Unicode(None, allow_none=True, help="The system prompt.").tag(config=True)
    persona = Unicode(None, allow_none=True, help="The persona of every call.").tag(config=True)
    stream_by_default = Bool(True, help="Show answers while they arrive.").tag(config=True)
    extra_body = Dict(help="Further parameters of the provider.").tag(config=True)
    base_url = Unicode(None, allow_none=True, help="The address of the server.").tag(config=True)
    repair = Int(1, min=0, max=1, help="How often an unfit answer is asked for again.").tag(
        config=True
    )
    data = Enum(DATA_LEVELS, "stats", help="What is sent of tables.").tag(config=True)
    rules = Bool(False, help="Use the AGENTS.md of the notebook's folder.").tag(config=True)
    stats = Bool(False, help="Show time, tokens and cost below each answer.").tag(config=True)
    spend_limit = Float(
        None, min=0, allow_none=True, help="US dollars that the notebook may cost."
    ).tag(config=True)
    collapse = Bool(False, help="Join the outputs of a long answer when it is complete.").tag(
        config=True
    )
    bar = Bool(True, help="Show buttons below answers, where they can act.").tag(config=True)
    follow = Bool(False, help="Keep the end of each answer in view while it arrives.").tag(
        config=True
    )
    mcp = Unicode(None, allow_none=True, help="The file that names MCP servers.").tag(config=True)
    max_context_turns = Int(
        None, min=0, allow_none=True, help="How many earlier turns are sent, at most."
    ).tag(config=True)
    max_context_tokens = Int(
        None, min=1, allow_none=True, help="How many tokens are sent, at most."
    ).tag(config=True)
    keep = Enum(KEEP_MODES, "off", help="Show the answers of the last time.").tag(config=True)
    replay = Unicode(help="A file; no model is asked, its answers are shown.").tag(config=True)
    record = Unicode(help="A file that all answers are recorded to.").tag(config=True)
    replay_speed = Enum(SPEEDS, "instant", help="When the pieces are shown.").tag(config=True)
    store = Enum(("auto", "on", "off"), "auto", help="Store conversations on disk.").tag(
        config=True
    )
    resume = Enum(
        ("always", "ask", "never"), "ask", help="Stored conversations, when cellmage is loaded."
    ).tag(config=True)
    image_hosts = List(Unicode(), help="Hosts whose images are loaded.").tag(config=True)
    connect_timeout = Float(
        None, min=0.001, allow_none=True, help="Seconds that making the connection may take."
    ).tag(config=True)
    first_byte_timeout = Float(
        None, min=0.001, allow_none=True, help="Seconds until the server begins its reply."
    ).tag(config=True)
    timeout = Float(FIRST_TOKEN_SECONDS, min=0.001, help="Seconds until the first text.").tag(
        config=True
    )
    idle_timeout = Float(
        IDLE_SECONDS, min=0.001, help="Seconds between two pieces of an answer."
    ).tag(config=True)


OPTION_FIELDS = (
    "model", "temperature", "effort", "api", "max_tokens", "system", "base_url",
    "connect_timeout", "first_byte_timeout", "timeout", "idle_timeout",
    "max_context_turns", "max_context_tokens",
)  # fmt: skip
"""The settings that are fields of `Options`, under the same name."""

_OTHER_SETTINGS = (
    "fallback", "persona", "stream_by_default", "stats", "repair", "spend_limit", "keep",
    "replay_speed",
    "store", "resume", "collapse", "bar", "follow", "image_hosts", "mcp", "data", "rules",
)  # fmt: skip
"""The other settings that are flags of ``%llm_config``, under the same name."""


def persona_folders() -> list[Path]:
    """Return the folders of personas, which come before the built-in ones; none is created.

    A kernel starts in the notebook's folder: call this when the extension is loaded.
    """
    return [working_folder() / "llm_personas", user_config_path("cellmage") / "personas"]


# The options of a call.


CALL_FLAGS = (
    "model", "temperature", "effort", "api", "max_tokens", "stream", "system", "persona",
    "max_context_turns", "stop_at", "watch", "param",
)  # fmt: skip
"""The flags that `call_options` reads."""


def call_options(settings: Settings, args: Namespace) -> Options:
    """Return the options of one call: its flags, then the persona, then the settings."""
    flags = Options(
        model=args.model,
        temperature=args.temperature,
        effort=args.effort,
        api=args.api,
        max_tokens=args.max_tokens,
        stream=args.stream,
        system=args.system,
        max_context_turns=args.max_context_turns,
        stop_at=tuple(args.stop_at or ()) or None,
        watch=tuple(args.watch or ()) or None,
        extra_body=parse_params(args.param),
    )
    options = Options.resolve(flags, default_options(settings, args.persona))
    return settings.aliases.expand_options(options)


def default_options(settings: Settings, persona: str | None = None) -> Options:
    """Return the options for all that a call leaves open: the persona, then the settings."""
    persona = persona or settings.persona
    options = Options.resolve(
        load_persona(persona, settings.folders).options if persona else Options(),
        Options(
            **{name: getattr(settings, name) for name in OPTION_FIELDS},
            fallback=tuple(settings.fallback) or None,
            stream=settings.stream_by_default,
            extra_body=settings.extra_body,
        ),
    )
    return settings.aliases.expand_options(options)


# %llm_config.


def configure(
    settings: Settings, set_by_flag: Mapping[str, Any], args: Namespace
) -> dict[str, Any]:
    """Apply the flags of ``%llm_config``: all of them, or none and an error.

    Args:
        settings: the settings to change.
        set_by_flag: the values that earlier calls have set, by the name of their setting.
        args: the flags.

    Returns:
        the values that are set by flags now.

    Raises:
        CellmageError: a value cannot be used; nothing has changed.
    """
    changes = collect_changes(settings, args)
    _validate(settings, changes)
    if args.reset:
        _reset(settings, set_by_flag)
        set_by_flag = {}
    for name, value in changes.items():
        setattr(settings, name, value)
    return {**set_by_flag, **changes}


def collect_changes(settings: Settings, args: Namespace) -> dict[str, Any]:
    """Return the settings that the flags change, with their new values."""
    names = (*OPTION_FIELDS, *_OTHER_SETTINGS)
    changes = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if args.no_persona:
        changes["persona"] = None
    now = {"replay": settings.replay, "record": settings.record}
    changes |= recording_changes(args.replay, args.record, {} if args.reset else now)
    if args.mcp is not None:
        changes["mcp"] = str(working_folder() / os.path.expanduser(args.mcp))
    if args.param or args.remove_param:
        base = config_section(settings).get("extra_body", {}) if args.reset else settings.extra_body
        changes["extra_body"] = _edit_params(base, args)
    return changes


def _edit_params(params: Mapping[str, Any], args: Namespace) -> dict[str, Any]:
    """Return the parameters without those of ``--remove-param``, with those of ``--param``."""
    removed = set(args.remove_param or ())
    if unknown := removed - set(params):
        raise UsageError(f"--remove-param: {excerpt(', '.join(sorted(unknown)))} is not set")
    remaining = {key: value for key, value in params.items() if key not in removed}
    return remaining | parse_params(args.param)


def _validate(settings: Settings, changes: Mapping[str, Any]) -> None:
    """Raise the error that the first call with these values would raise."""
    fields = {name: value for name, value in changes.items() if name in OPTION_FIELDS}
    Options(**fields, extra_body=changes.get("extra_body", {}))
    if changes.get("persona"):
        load_persona(changes["persona"], settings.folders)
    if "mcp" in changes:
        check_file(changes["mcp"])
    if "spend_limit" in changes:
        require_price_list()
    if "record" in changes:
        select_named(changes["replay"], changes["record"])
    try:
        Settings(**changes)
    except TraitError as error:
        raise UsageError(str(error)) from None


def _reset(settings: Settings, set_by_flag: Mapping[str, Any]) -> None:
    """Give the settings that flags have set the values that they had before."""
    section = config_section(settings)
    for name in set_by_flag:
        setattr(settings, name, section.get(name, settings.traits()[name].default()))


def apply_config(settings: Settings, set_by_flag: Mapping[str, Any]) -> None:
    """Give each setting that no flag has set its value of ``ipython_config.py`` or ``%config``."""
    names = Settings.class_trait_names(config=True)
    _reset(settings, {name: None for name in names if name not in set_by_flag})


def config_section(settings: Settings) -> Mapping[str, Any]:
    """Return the values that ``ipython_config.py`` and ``%config`` have set."""
    section: dict[str, Any] = getattr(settings, "config", {}).get(type(settings).__name__, {})
    drop_invalid(section)
    return section


def drop_invalid(section: dict[str, Any]) -> list[str]:
    """Remove the values that no setting can have: ``%config`` keeps a value that it has refused.

    Returns:
        a line for each value that was removed.
    """
    lines = []
    for name, value in list(section.items()):
        try:
            Settings(**{name: value})
        except TraitError:
            masked, _ = mask_secrets(repr(value))
            lines.append(f"{name} cannot be {masked}; the setting is ignored")
            del section[name]
    return lines
