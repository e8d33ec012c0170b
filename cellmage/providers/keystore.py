"""Keys that are stored on this machine: in a file that only the user can read, or the keyring."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from platformdirs import user_config_path

from ..errors import ConfigError
from ..foreign_files import read_regular_file
from .endpoints import ENDPOINTS
from .key_file import parse_key_file
from .keys import Key, clean_key

KEYRING_SERVICE = "cellmage"
"""The name under which keys are in the keyring: ``keyring set cellmage OPENAI_API_KEY``."""

_MAX_KEY_FILE_BYTES = 2**17
_GROUP_OR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def key_file_path() -> Path:
    """Return the path of the key file.

    It has a line ``NAME=value`` for each key; the name is a variable's or a host: see
    `key_file.parse_key_file`.
    """
    return user_config_path("cellmage") / "keys"


def read_key_file(path: Path) -> Mapping[str, Key]:
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


@dataclass(frozen=True, slots=True)
class _StoredKeys:
    """A key file: its keys by name, and the problems of its lines."""

    keys: Mapping[str, Key] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def _read(path: Path) -> _StoredKeys:
    stored: _StoredKeys | None = None
    try:
        status = path.stat()
        # Windows has no such bits; there a file in the user's folder is the user's.
        if os.name != "nt" and stat.S_IMODE(status.st_mode) & _GROUP_OR_OTHERS:
            raise ConfigError(f"others can read the keys in {path}: chmod 600 {path}")
        stored = _read_version(path, (status.st_mtime_ns, status.st_size, status.st_mode))
    except FileNotFoundError:
        return _StoredKeys()
    except (OSError, ValueError):
        pass
    if stored is None:  # outside the handler: the frames of the context contain the keys
        raise ConfigError(f"the keys in {path} cannot be read; save the file as UTF-8 text")
    return stored


# A cached function, not a dict of this module: inspection shows the values of globals.
@lru_cache(maxsize=1)
def _read_version(path: Path, version: tuple[int, ...]) -> _StoredKeys:
    """Return the contents of a file; `version` is what changes when the file does."""
    file = parse_key_file(read_regular_file(path, _MAX_KEY_FILE_BYTES))
    return _StoredKeys({name: Key(value) for name, value in file.keys.items()}, file.problems)


def find_key(*names: str) -> Key | None:
    """Return the first key that is stored under one of these names.

    Args:
        names: hosts or names of variables; the key file is searched for all of them, then the
            keyring.

    Raises:
        ConfigError: other users can read the file, or the keyring is locked.
    """
    return find_in_key_file(*names) or find_in_keyring(*names)


def find_in_key_file(*names: str) -> Key | None:
    """Return the first key that is in the key file under one of these names.

    Raises:
        ConfigError: other users can read the file, or it cannot be read.
    """
    keys = read_key_file(key_file_path())
    return next((keys[name] for name in names if name in keys), None)


def find_in_environment(environ: Mapping[str, str], *variables: str) -> Key | None:
    """Return the first key that is in one of these environment variables."""
    values = (clean_key(environ.get(name, "")) for name in variables)
    return next((Key(value) for value in values if value), None)


# Variables with a secret by their name; of other programs only those that are no ordinary word.
_SECRET_NAMES = re.compile(r"(?:API_?KEY|ACCESS_?KEY|SECRET_?KEY|TOKEN)$")
_MIN_SECRET_CHARS = 16


def known_keys(environ: Mapping[str, str]) -> Mapping[str, Key]:
    """Return the keys of this machine, by the name of their variable or host.

    They are those of the environment, of the key file, and those that the keyring has returned.

    Args:
        environ: the environment variables.

    Example:
        >>> known_keys({"GROQ_API_KEY": "gsk_test", "DEPLOY_TOKEN": "0123456789abcdef", "A": "b"})
        {'GROQ_API_KEY': Key('…'), 'DEPLOY_TOKEN': Key('…cdef')}
    """
    ours = {endpoint.api_key_variable for endpoint in ENDPOINTS.values()}
    keys = dict(_from_keyring) | dict(read_key_file(key_file_path()))
    for name in environ:
        if name in ours or _SECRET_NAMES.search(name.upper()):
            key = find_in_environment(environ, name)
            if key and (name in ours or len(key) >= _MIN_SECRET_CHARS):
                keys[name] = key
    return keys


def keyring_name() -> str:
    """Return "keyring" for a message, with what to install where its package is missing."""
    has_keyring = importlib.util.find_spec("keyring") is not None
    return "keyring" if has_keyring else 'keyring (pip install "cellmage[keyring]" first)'


_from_keyring: dict[str, Key] = {}


def find_in_keyring(*names: str) -> Key | None:
    """Return the first key that the keyring has under one of these names; it may ask the user.

    Raises:
        ConfigError: the keyring is locked.
    """
    problem = ""
    try:
        keyring = importlib.import_module("keyring")
    except (ImportError, OSError):  # not installed, or the working folder is gone
        return None
    try:
        for name in names:
            if value := clean_key(keyring.get_password(KEYRING_SERVICE, name) or ""):
                _from_keyring[name] = Key(value)
                return _from_keyring[name]
    except keyring.errors.NoKeyringError:
        return None
    except keyring.errors.KeyringError as error:
        problem = type(error).__name__
    if problem:
        raise ConfigError(f"the keyring does not open ({problem}); unlock it, or set {names[-1]}")
    return None
