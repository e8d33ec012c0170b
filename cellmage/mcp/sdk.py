"""Import the official SDK: an extra, and a second of work."""

from __future__ import annotations

import logging

from ..errors import ConfigError


def load_sdk() -> None:
    """Import the package ``mcp`` of the SDK.

    Raises:
        ConfigError: it is not installed, or too old.
    """
    try:
        from mcp import Client  # noqa: F401, PLC0415 - not in the SDK before 2.0
    except ImportError:
        raise ConfigError("MCP servers need another package: pip install 'cellmage[mcp]'") from None
    # The SDK logs what a server writes beside the protocol, with tracebacks. Without a handler
    # Python would print that into the cell.
    logger = logging.getLogger("mcp")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
