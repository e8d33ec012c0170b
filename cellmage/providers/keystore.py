"""Keys that are stored on this machine: in a file that only the user can read, or the keyring."""

from __future__ import annotations

import importlib
import importlib.util
import os
import stat
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from platformdirs import user_config_path

from ..errors import ConfigError
from .key_file import KeyFile, parse_key_file
from .keys import clean_key

KEYRING_SERVICE = "cellmage"
"""The name under which keys are in the keyring: ``keyring set cellmage OPENAI_API_KEY``."""

_GROUP_OR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def key_file_path() -> Path:
    """Return the path of the key file.

    It has a line ``NAME=value`` for each key; the name is a variable's or a host: see
    `key_file.parse_key_file`.
    """
    return user_config_path("cellmage") / "keys"


def read_key_file(path: Path) -> Mapping[str, str]:
    """Return the keys in a file, by name; an empty mapping if the file does not exist.

    Every request needs the keys several times; the file is read again only after a change.

    Args:
        path: a file of ``NAME=value`` lines.

    Raises:
        ConfigError: other users can read the file, or it cannot be read.

    Example:
        >>> read_key_file(Path("no-such-file"))
        {}
    """
    return _read(path).keys


def key_file_problem() -> str | None:
    """Return what is wrong in the key file, with its path and the number of the line; else None.

    It matters only where a key is missing, so that a stray line does no harm.
    """
    path = key_file_path()
    return next((f"{path}, {problem}" for problem in _read(path).problems), None)


def _read(path: Path) -> KeyFile:
    try:
        status = path.stat()
        # Windows has no such bits; there a file in the user's folder is the user's.
        if os.name != "nt" and stat.S_IMODE(status.st_mode) & _GROUP_OR_OTHERS:
            raise ConfigError(f"others can read the keys in {path}: chmod 600 {path}")
        return _read_version(path, (status.st_mtime_ns, status.st_size, status.st_mode))
    except FileNotFoundError:
        return KeyFile({})
    except OSError:
        raise _unreadable(path) from None


# A cached function, not a dict of this module: inspection shows the values of globals.
@lru_cache(maxsize=1)
def _read_version(path: Path, version: tuple[int, ...]) -> KeyFile:
    """Return the contents of a file; `version` is what changes when the file does."""
    try:
        return parse_key_file(path.read_bytes())
    except ValueError:
        raise _unreadable(path) from None


def _unreadable(path: Path) -> ConfigError:
    return ConfigError(f"the keys in {path} cannot be read; save the file as UTF-8 text")


def find_key(*names: str) -> str | None:
    """Return the first key that is stored under one of these names.

    Args:
        names: hosts or names of variables; the key file is searched for all of them, then the
            keyring.

    Raises:
        ConfigError: other users can read the file, or the keyring is locked.
    """
    keys = read_key_file(key_file_path())
    return next((keys[name] for name in names if keys.get(name)), None) or _find_in_keyring(names)


def keyring_name() -> str:
    """Return "keyring" for a message, with what to install where its package is missing."""
    has_keyring = importlib.util.find_spec("keyring") is not None
    return "keyring" if has_keyring else 'keyring (pip install "cellmage[keyring]" first)'


def _find_in_keyring(names: tuple[str, ...]) -> str | None:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:  # the extra is not installed
        return None
    try:
        keys = (keyring.get_password(KEYRING_SERVICE, name) for name in names)
        return next(filter(None, (clean_key(key or "") for key in keys)), None)
    except keyring.errors.NoKeyringError:
        return None
    except keyring.errors.KeyringError as error:
        problem = type(error).__name__
        raise ConfigError(
            f"the keyring does not open ({problem}); unlock it, or set {names[-1]}"
        ) from None
