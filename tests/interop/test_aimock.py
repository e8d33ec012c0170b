"""Against another project's mock server, which has all our APIs: npm's aimock."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellmage import CellmageError, Conversation, Options
from cellmage.options import APIS

PACKAGE = "@copilotkit/aimock@^1.7"

LONG = "The **moon** pulls. " * 40

FIXTURES = [
    {"match": {"userMessage": "plain"}, "response": {"content": LONG}, "chunkSize": 7},
    {"match": {"userMessage": "think"}, "response": {"content": "So.", "reasoning": "I weigh."}},
    {"match": {"userMessage": "long"}, "response": {"content": "cut", "finishReason": "length"}},
    {
        "match": {"userMessage": "filter"},
        "response": {"content": "cut", "finishReason": "content_filter"},
    },
    {
        "match": {"userMessage": "truncated"},
        "response": {"content": LONG},
        "chunkSize": 7,
        "truncateAfterChunks": 12,
        "latency": 30,
    },
    {
        "match": {"userMessage": "refused"},
        "response": {"error": {"message": "not today", "type": "odd"}, "status": 400},
    },
]


@pytest.fixture(scope="session")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("node and npm are not installed")
    home = Path(sys.prefix) / "node-aimock"
    program = home / "node_modules/@copilotkit/aimock/dist/cli.js"
    if not program.exists():
        home.mkdir(exist_ok=True)
        command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", PACKAGE]
        subprocess.run([*command, "--prefix", str(home)], check=True, capture_output=True)
    fixtures = tmp_path_factory.mktemp("aimock") / "fixtures.json"
    fixtures.write_text(json.dumps({"fixtures": FIXTURES}))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = ["node", str(program), "-p", str(port), "-f", str(fixtures)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}/v1"
        wait_until_it_answers(f"{url}/models")
        yield url
        process.terminate()


def wait_until_it_answers(url: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


@pytest.fixture(params=APIS)
def chat(request: pytest.FixtureRequest, aimock: str) -> Conversation:
    return Conversation(Options(model="gpt-4o", base_url=aimock, api=request.param))


def test_an_answer(chat: Conversation) -> None:
    stream = chat.stream("plain")
    assert len(list(stream)) > 50
    assert stream.response.text == LONG
    assert (stream.response.finish_reason, stream.response.incomplete_reason) == ("stop", None)


@pytest.mark.parametrize("chat", ["chat", "responses", "messages"], indirect=True)
def test_reasoning(chat: Conversation) -> None:
    response = chat.ask("think")
    assert (response.text, response.reasoning) == ("So.", "I weigh.")


@pytest.mark.parametrize(("prompt", "reason"), [("long", "length"), ("filter", "content_filter")])
def test_a_cut_answer(chat: Conversation, prompt: str, reason: str) -> None:
    api = chat.options.api
    if api == "ollama":
        pytest.skip("the mock has no other finish reason in this API")
    response = chat.ask(prompt)
    is_failed = (api, prompt) == ("responses", "filter")  # the mock's word for it
    assert (response.text, response.finish_reason) == ("cut", "failed" if is_failed else reason)
    assert response.notices


def test_a_truncated_stream(chat: Conversation) -> None:
    with pytest.raises(CellmageError) as caught:
        chat.ask("truncated")
    assert LONG.startswith(caught.value.text)
    assert caught.value.text


def test_an_error(chat: Conversation) -> None:
    with pytest.raises(CellmageError, match="not today") as caught:
        chat.ask("refused")
    assert caught.value.kind == "bad_request"
