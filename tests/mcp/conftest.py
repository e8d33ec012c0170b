from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellmage import Conversation, Options
from cellmage.testing import ScriptedServer

SERVER = str(Path(__file__).with_name("server.py"))


def entry(mode: str = "stdio", **fields: Any) -> dict[str, Any]:
    """Return the entry of the server of these tests, as a file names it."""
    return {"command": sys.executable, "args": [SERVER, mode], **fields}


Write = Callable[..., Path]


@pytest.fixture(scope="module")
def shared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a server that the tests of a module share."""
    file = tmp_path_factory.mktemp("mcp") / ".mcp.json"
    env = {"TOKEN": "${NO_SUCH_VARIABLE:-wxyz-4711-secret}"}
    file.write_text(json.dumps({"mcpServers": {"files": entry(env=env)}}))
    return file


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file that names servers, and return its path."""

    def write(**servers: Any) -> Path:
        file = tmp_path / ".mcp.json"
        file.write_text(json.dumps({"mcpServers": servers}))
        return file

    return write


@pytest.fixture
def chat(server: ScriptedServer) -> Conversation:
    return Conversation(Options(model="m", base_url=server.url))
