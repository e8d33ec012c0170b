"""Read the file that names MCP servers, ``.mcp.json``: what it means, or what to type instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConfigError, UsageError
from ..foreign_files import parse_json, read_text_file
from ..providers.environment import ENVIRON
from ..text import excerpt, spell_out, truncate

_MAX_BYTES = 2**20
_MAX_NAME_CHARS = 100

_EXAMPLE = '{"mcpServers": {"NAME": {"command": "COMMAND", "args": []}}}'

_HTTP_TYPES = {"http": "http", "streamable-http": "http", "streamableHttp": "http", "sse": "sse"}
"""The values of "type" for servers with an address, and the transports that they name."""

# ${NAME}, and ${NAME:-default}.
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """A server, as the file names it; variables are not expanded.

    Args:
        name: its name in the file.
        file: the file.
        transport: ``"stdio"``, ``"http"`` or ``"sse"``.
        command: the program, its arguments after it; empty for a server with an address.
        env: further environment variables of the program.
        cwd: the folder in which the program starts; empty for that of the file.
        url: the address.
        headers: the headers of each request to the address.
    """

    name: str
    file: Path
    transport: str
    command: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    cwd: str = ""
    url: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def label(self) -> str:
        """The name for messages."""
        return f"the MCP server {truncate(spell_out(self.name), _MAX_NAME_CHARS)}"

    @property
    def folder(self) -> Path:
        """The folder in which the program starts."""
        return self.file.parent / self.cwd

    def expand(self, environ: Mapping[str, str] = ENVIRON) -> ServerConfig:
        """Return the server with the values of environment variables.

        Raises:
            ConfigError: a variable is not set and has no default, or the address is none.
        """

        def value(match: re.Match[str]) -> str:
            name, default = match.groups()
            text = environ.get(name) or default  # as in a shell, ":-" replaces empty ones, too
            if text is None:
                raise ConfigError(
                    f"{self.label}: the environment variable {name} is not set; set it, or write "
                    f"${{{name}:-default}} in {spell_out(self.file.name)}"
                )
            return text

        def pairs(items: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
            return tuple((name, _VARIABLE.sub(value, text)) for name, text in items)

        expanded = ServerConfig(
            self.name,
            self.file,
            self.transport,
            tuple(_VARIABLE.sub(value, word) for word in self.command),
            pairs(self.env),
            _VARIABLE.sub(value, self.cwd),
            _VARIABLE.sub(value, self.url),
            pairs(self.headers),
        )
        expanded._check_url()
        return expanded

    def _check_url(self) -> None:
        try:
            parts = urlsplit(self.url)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            is_address = False
        if self.transport != "stdio" and not is_address:
            raise ConfigError(f'{self.label}: "url" must begin with http:// or https:// and a host')


def read_servers(file: Path) -> dict[str, ServerConfig]:
    """Return the servers of a file, by name.

    Args:
        file: its absolute path.

    Raises:
        UsageError: the file cannot be read, or an entry is not a server.
    """
    file_name = excerpt(spell_out(file.name))
    text = read_text_file(file, _MAX_BYTES)
    try:
        data = parse_json(text)
        entries = data.get("mcpServers") if isinstance(data, dict) else None
        if not isinstance(entries, dict):
            raise ValueError(f'it has no "mcpServers"; write {_EXAMPLE}')
        return {name: _read_server(name, entry, file) for name, entry in entries.items()}
    except ValueError as error:
        raise UsageError(f"{file_name}: {error}") from None


def _read_server(name: str, entry: Any, file: Path) -> ServerConfig:
    try:
        if not name.strip() or not name.isprintable() or len(name) > _MAX_NAME_CHARS:
            raise ValueError("its name is empty, too long, or cannot be read")
        if not isinstance(entry, dict):
            raise ValueError(
                'it is no object; write {"command": "COMMAND"} or {"url": "https://…"}'
            )
        kind = entry.get("type", "stdio" if "command" in entry else "http")
        if kind == "stdio":
            command = (_text(entry, "command"), *_texts(entry, "args"))
            env = _pairs(entry, "env")
            return ServerConfig(name, file, kind, command, env, _text(entry, "cwd", ""))
        if not isinstance(kind, str) or kind not in _HTTP_TYPES:
            choices = ", ".join(("stdio", *_HTTP_TYPES))
            raise ValueError(f'"type" must be one of {choices}')
        url, headers = _text(entry, "url"), _pairs(entry, "headers")
        return ServerConfig(name, file, _HTTP_TYPES[kind], url=url, headers=headers)
    except ValueError as error:
        raise ValueError(f"the server {excerpt(spell_out(name))!r}: {error}") from None


def _text(entry: Mapping[str, Any], field: str, default: str | None = None) -> str:
    value = entry.get(field, default)
    if not isinstance(value, str) or "\0" in value or (default is None and not value.strip()):
        raise ValueError(f'"{field}" must be a text')
    return value


def _texts(entry: Mapping[str, Any], field: str) -> list[str]:
    values = entry.get(field, [])
    if not isinstance(values, list):
        raise ValueError(f'"{field}" must be a list of texts')
    return [_text({field: value}, field, "") for value in values]


def _pairs(entry: Mapping[str, Any], field: str) -> tuple[tuple[str, str], ...]:
    values = entry.get(field, {})
    if not isinstance(values, dict):
        raise ValueError(f'"{field}" must be an object of texts')
    return tuple((name, _text({field: value}, field, "")) for name, value in values.items())


def find_server(name: str, servers: Mapping[str, ServerConfig]) -> tuple[ServerConfig, str]:
    """Return the server of ``NAME`` or ``NAME/TOOL``, and the tool; an empty one means all.

    Args:
        name: the name; those of servers and tools may contain slashes.
        servers: the servers of a file.

    Raises:
        UsageError: the server does not exist.
    """
    candidates = [(name, ""), *_splits(name)]
    for server, tool in candidates:
        if server in servers:
            return servers[server], tool
    names = ", ".join(excerpt(spell_out(server)) for server in servers) or "none"
    raise UsageError(f"there is no MCP server {excerpt(spell_out(name))}; there are: {names}")


def _splits(name: str) -> list[tuple[str, str]]:
    parts = name.split("/")
    return [("/".join(parts[:end]), "/".join(parts[end:])) for end in range(1, len(parts))]
