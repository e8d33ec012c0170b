"""The secrets of a server: what the file hands to it, and no model may see."""

from __future__ import annotations

import re

from ..providers.keys import MIN_KEY_CHARS, Key
from .config import ServerConfig

_SECRET_NAME = re.compile(r"key|token|secret|passw|auth|credential|cookie", re.IGNORECASE)


def find_secrets(config: ServerConfig) -> list[Key]:
    """Return the values of an expanded server whose names say that they are secrets.

    While they are kept, no request may contain them.

    Example:
        >>> from pathlib import Path
        >>> headers = (("Authorization", "Bearer abcd-1234"), ("Accept", "text/html"))
        >>> config = ServerConfig("files", Path("/.mcp.json"), "http", headers=headers)
        >>> [secret.reveal() for secret in find_secrets(config)]
        ['abcd-1234']
    """
    pairs = [(name, value) for name, value in (*config.env, *config.headers) if value.split()]
    values = [value.split()[-1] for name, value in pairs if _SECRET_NAME.search(name)]
    return [Key(value) for value in values if len(value) >= MIN_KEY_CHARS]
