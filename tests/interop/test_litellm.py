"""Against LiteLLM's proxy with mock responses: `make servers`, since it is 700 MB."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellmage import CellmageError, Conversation, Options
from cellmage.providers.catalogue import list_models
from tests.interop.test_aimock import wait_until_it_answers

PROGRAM = Path(__file__).parents[2] / ".venv-servers/bin/litellm"

LONG = "The **moon** pulls the sea, and the sea follows. " * 20

CONFIG = f"""
model_list:
  - model_name: plain
    litellm_params: {{model: openai/any, api_key: none, mock_response: "{LONG}"}}
  - model_name: limited
    litellm_params: {{model: openai/any, api_key: none, mock_response: litellm.RateLimitError}}
  - model_name: broken
    litellm_params:
      {{model: openai/any, api_key: none, mock_response: litellm.InternalServerError}}
  - model_name: long
    litellm_params:
      {{model: openai/any, api_key: none, mock_response: litellm.ContextWindowExceededError}}
router_settings: {{num_retries: 0}}
general_settings: {{master_key: sk-litellm-0000000001}}
"""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("litellm")
    (home / "config.yaml").write_text(CONFIG)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [str(PROGRAM), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    environ = os.environ | {"HOME": str(home), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(command, cwd=home, env=environ, stdout=log, stderr=log) as process,
    ):
        url = f"http://127.0.0.1:{port}/v1"
        wait_until_it_answers(f"{url}/models", seconds=120)
        yield url
        process.terminate()


@pytest.fixture
def chat(proxy: str, monkeypatch: pytest.MonkeyPatch) -> Conversation:
    monkeypatch.setenv("OPENAI_BASE_URL", proxy)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-litellm-0000000001")
    return Conversation(Options(model="plain"))


def test_an_answer(chat: Conversation) -> None:
    stream = chat.stream("hi")
    assert len(list(stream)) > 5
    response = stream.response
    assert response.text == LONG
    assert (response.finish_reason, response.incomplete_reason) == ("stop", None)
    assert response.usage is not None
    assert response.usage.output_tokens


def test_its_models(chat: Conversation) -> None:
    configured = list_models()[0]
    assert set(configured.models) == {"plain", "limited", "broken", "long"}


@pytest.mark.parametrize(
    ("model", "kind"),
    [("broken", "server"), ("long", "context_overflow"), ("none", "bad_request")],
)
def test_errors(chat: Conversation, model: str, kind: str) -> None:
    with pytest.raises(CellmageError) as caught:
        chat.ask("hi", model=model)
    assert (caught.value.kind, "sk-litellm" in str(caught.value)) == (kind, False)


def test_a_wrong_key(chat: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-litellm-9999999999")
    with pytest.raises(CellmageError) as caught:
        chat.ask("hi")
    assert caught.value.kind in ("auth", "bad_request")  # it sends 400 if it has no database
    assert "9999999999" not in str(caught.value)


def test_fallback(chat: Conversation) -> None:
    response = chat.ask("hi", model="broken,plain")
    assert response.text == LONG
    assert response.notices[0].startswith("plain answered, since broken at 127.0.0.1")
