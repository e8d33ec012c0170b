"""Import the official SDK: an extra, and a second of work."""

from __future__ import annotations

import logging
from types import ModuleType

from ..errors import ConfigError


def load_sdk() -> ModuleType:
    """Return the package ``mcp`` of the SDK.

    Raises:
        ConfigError: it is not installed, or too old.
    """
    try:
        import mcp  # noqa: PLC0415 - an optional dependency
        from mcp import Client  # noqa: F401, PLC0415 - not in the SDK before 2.0
    except ImportError:
        raise ConfigError("MCP servers need another package: pip install 'cellmage[mcp]'") from None
    # The SDK logs what a server writes beside the protocol, with tracebacks. Without a handler
    # Python would print that into the cell.
    logger = logging.getLogger("mcp")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return mcp
