"""Our endpoint, with the scripted server as the model behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import openai
import pytest
import uvicorn

from cellmage import Options
from cellmage.server import app
from cellmage.testing import ScriptedServer


@pytest.fixture
def address(connected: ScriptedServer) -> Iterator[str]:
    """Return the base URL of our endpoint."""
    config = uvicorn.Config(app(Options(model="m")), port=0, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/v1"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    """Return OpenAI's own client for our endpoint."""
    with openai.OpenAI(base_url=address, api_key="none", max_retries=0) as client:
        yield client
