"""Keys that are kept on this machine: in a file that only you can read, and in the keyring."""

from __future__ import annotations

import importlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_config_path

from ..errors import ConfigError

SERVICE = "cellmage"
"""The name under which keys are in the keyring: ``keyring set cellmage OPENAI_API_KEY``."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def key_file() -> Path:
    """The file with a ``NAME=value`` line for each key; NAME is a variable's, or a host."""
    return user_config_path("cellmage") / "keys"


def keys_in(path: Path) -> Mapping[str, str]:
    """The keys in a file, by name; none when there is no file.

    Raises:
        ConfigError: others can read the file, or it cannot be read.

    Example:
        >>> keys_in(Path("nowhere"))
        {}
    """
    try:
        # Windows has no such bits; there a file in the user's folder is the user's.
        is_open = os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & _OTHERS
        lines = [] if is_open else path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError):
        is_open, lines = False, None
    if is_open:
        raise ConfigError(f"others can read the keys in {path}: chmod 600 {path}")
    if lines is None:
        raise ConfigError(f"the keys in {path} cannot be read")
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def stored_key(*names: str) -> str | None:
    """The first key that is kept under one of these names: in the file, else in the keyring.

    Raises:
        ConfigError: others can read the file, or the keyring is locked.
    """
    in_file = keys_in(key_file())
    return next((in_file[name] for name in names if in_file.get(name)), None) or _in_keyring(names)


def _in_keyring(names: tuple[str, ...]) -> str | None:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:  # the extra is not installed
        return None
    try:
        found = (keyring.get_password(SERVICE, name) for name in names)
        return next((key for key in found if key), None)
    except keyring.errors.NoKeyringError:
        return None
    except keyring.errors.KeyringError as error:
        problem = type(error).__name__
    raise ConfigError(f"the keyring does not open ({problem}); unlock it, or set {names[-1]}")
