"""What the administrator of a hub has locked: the section ``LLMLocks`` of a system-wide file.

IPython reads ``ipython_config.py`` of the machine, then that of the user, who may change every
value. So locks are read from the files of the machine alone.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from IPython.core import application
from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

from ..errors import ConfigError, UsageError
from ..options import DATA_LEVELS
from ..providers.registry import UnavailableProvider
from ..providers.servers import ResolvedModel

SECTION = "LLMLocks"
FILES = ("ipython_config.json", "ipython_config.py")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a lock allows.

    Args:
        kind: what the value of the lock must be.
        is_value: whether something can be the value of the lock.
        allows: whether a value is allowed by the value of the lock.
        words: what is allowed, for the message; ``{}`` is the value of the lock.
    """

    kind: str
    is_value: Callable[[Any], bool]
    allows: Callable[[Any, Any], bool]
    words: str


def _is_patterns(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _matches(name: Any, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(str(name), pattern) for pattern in patterns)


def _is_no_more(level: Any, highest: Any) -> bool:
    return DATA_LEVELS.index(level) <= DATA_LEVELS.index(highest)


_PATTERNS = ("a list of patterns, such as ['gpt-*']", _is_patterns, _matches)

RULES: Mapping[str, Rule] = {
    "data": Rule(
        f"one of {', '.join(DATA_LEVELS)}", DATA_LEVELS.__contains__, _is_no_more, "at most {}"
    ),
    "spend_limit": Rule(
        "a number of US dollars",
        lambda value: isinstance(value, int | float) and value >= 0,
        lambda value, highest: value is not None and value <= highest,
        "at most {}",
    ),
    "store": Rule(
        "one of auto, on, off", ("auto", "on", "off").__contains__, lambda a, b: a == b, "{}"
    ),
    "models": Rule(*_PATTERNS, "{}"),
    "hosts": Rule(*_PATTERNS, "{}"),
    "tools": Rule(*_PATTERNS, "{}"),
}
"""The locks, by name. The first three are settings of the same name."""

_SETTINGS = ("data", "spend_limit", "store")


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock.

    Args:
        value: what is allowed.
        file: the file that says so.
    """

    value: Any
    file: Path


class Locks:
    """The locks of this machine.

    Args:
        folders: where the files are; a later one wins. None are those of IPython: of this
            Python, then of the machine.

    Raises:
        ConfigError: a file cannot be read, or a lock has a name or a value that it cannot have: no
            lock is ignored.
    """

    def __init__(self, folders: Iterable[str] | None = None) -> None:
        self.by_name: dict[str, Lock] = {}
        if folders is None:
            folders = (*application.ENV_CONFIG_DIRS, *application.SYSTEM_CONFIG_DIRS)
        for folder in folders:
            for name in FILES:
                self._read(Path(folder), name)

    def _read(self, folder: Path, name: str) -> None:
        file = folder / name
        loader = JSONFileConfigLoader if name.endswith(".json") else PyFileConfigLoader
        try:
            section = loader(name, str(folder)).load_config().get(SECTION, {})
        except ConfigFileNotFound:
            return
        except Exception as error:  # noqa: BLE001 - the file is a program of the administrator
            raise ConfigError(f"{file} cannot be read: {error}") from None
        for key, value in section.items():
            rule = RULES.get(key)
            if rule is None:
                raise ConfigError(
                    f"{file}: there is no lock {SECTION}.{key} (locks: {', '.join(RULES)})"
                )
            if not rule.is_value(value):
                raise ConfigError(f"{file}: {SECTION}.{key} must be {rule.kind}")
            self.by_name[key] = Lock(value, file)

    def check(self, name: str, values: Iterable[Any], what: str) -> None:
        """Refuse values that a lock does not allow; one of them must be allowed.

        Args:
            name: the name of the lock.
            values: names for the same thing, such as those of a model with and without its prefix.
            what: what the user has typed, for the message.

        Raises:
            UsageError: none of them is allowed; the message says who has locked it.
        """
        lock = self.by_name.get(name)
        if lock is None or any(RULES[name].allows(value, lock.value) for value in values):
            return
        text = ", ".join(lock.value) or "none" if isinstance(lock.value, list) else lock.value
        allowed = RULES[name].words.format(text)
        raise UsageError(f"{what} is locked by {lock.file}; allowed: {allowed}")

    def check_changes(self, changes: Mapping[str, Any]) -> None:
        """Refuse new values of settings: see `check`."""
        for name in _SETTINGS:
            if name in changes:
                flag = name.replace("_", "-")
                self.check(name, [changes[name]], f"--{flag} {changes[name]}")

    def check_call(self, args: Namespace, models: Iterable[ResolvedModel]) -> None:
        """Refuse the level of data, the tools and the models of a call: see `check`."""
        if args.data is not None:
            self.check("data", [args.data], f"--data {args.data}")
        for tool in args.tool or ():
            self.check("tools", [tool], f"--tool {tool}")
        for model in models:
            if isinstance(model.provider, UnavailableProvider):
                continue  # it cannot be asked: only a recorded answer may take its place
            names = [model.model, f"{model.provider.name}/{model.model}"]
            self.check("models", names, f"the model {model.model}")
            self.check("hosts", [model.provider.name], f"the host {model.provider.name}")

    def limit(self, settings: Any) -> None:
        """Give settings that are not allowed, as ``%config`` may make them, the locked value."""
        for name in _SETTINGS:
            lock = self.by_name.get(name)
            if lock and not RULES[name].allows(getattr(settings, name), lock.value):
                setattr(settings, name, lock.value)
