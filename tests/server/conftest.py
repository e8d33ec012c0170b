"""Our endpoint, with the scripted server as the model behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import openai
import pytest
import uvicorn
from starlette.applications import Starlette

from cellmage import Options
from cellmage.server import app
from cellmage.server.run import Connection
from cellmage.testing import ScriptedServer


@contextmanager
def serving(
    application: Starlette, http: type[Connection] = Connection, host: str = "127.0.0.1"
) -> Iterator[str]:
    """Serve an application on a thread, and yield its base URL."""
    config = uvicorn.Config(application, host, port=0, http=http, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def address(connected: ScriptedServer) -> Iterator[str]:
    """Return the base URL of our endpoint."""
    with serving(app(Options(model="m"))) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    """Return OpenAI's own client for our endpoint."""
    with openai.OpenAI(base_url=address, api_key="none", max_retries=0) as client:
        yield client
