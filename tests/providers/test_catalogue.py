"""The models that servers list."""

from __future__ import annotations

import json

import pytest

from cellmage.markdown.escape import escape_markdown
from cellmage.providers.catalogue import Offer, list_models
from cellmage.testing import ScriptedServer
from tests.kernel.client import Kernel


def play_models(server: ScriptedServer, *names: str) -> None:
    body = {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
    server.play(json.dumps(body).encode(), content_type="application/json")


def test_the_configured_server(connected: ScriptedServer) -> None:
    play_models(connected, "b", "a/x")
    configured, *_ = list_models()
    assert configured == Offer(f"127.0.0.1:{connected.port}", ("a/x", "b"), key="a key is set")
    assert connected.last.path == "/v1/models"
    assert connected.last.headers["authorization"] == "Bearer sk-test-0000"


@pytest.mark.parametrize("reply", ["silent", "refusing", "odd"])
def test_a_server_that_does_not_list_its_models(connected: ScriptedServer, reply: str) -> None:
    if reply == "silent":
        connected.play(transfer="none", end="hang")
    elif reply == "refusing":
        connected.play(b'{"error": {"message": "no list"}}', status=404)
    else:
        connected.play(b"<html>", content_type="text/html")
    configured, *_ = list_models(timeout=0.3)
    assert configured.models == ()
    assert configured.error


def test_without_a_server() -> None:
    configured, *_ = list_models()
    assert "offline/tour" in configured.error


def test_the_magic(kernel: Kernel, server: ScriptedServer) -> None:
    play_models(server, "model-1", "model-2")
    kernel.run("%env XAI_API_KEY=sk-xai-000000005678")
    lines = kernel.run("%llm_models").printed.splitlines()
    host = f"127.0.0.1:{server.port}"
    assert lines[:4] == ["model", f"{host}, a key is set", "model-1", "model-2"]
    assert lines[lines.index("Other providers") :][-3:] == [
        "openrouter/…, no key: OPENROUTER_API_KEY is not set",
        "together/…, no key: TOGETHER_API_KEY is not set",
        "xai/…, key …5678",
    ]
    kernel.run("import os; del os.environ['XAI_API_KEY']")
    assignment = kernel.run("models = %llm_models")
    assert (assignment.ok, assignment.printed, assignment.listings) == (True, "", [])
    first = {"server": host, "key": "a key is set", "model": "model-1"}
    assert kernel.value("models[0]") == first
    play_models(server, "model-1")
    markdown = kernel.run("%llm_models").listings[0]["text/markdown"].splitlines()
    assert markdown[:3] == [
        "| model |",
        "| --- |",
        f"| <b>{escape_markdown(host)}, a key is set</b> |",
    ]
    assert "GROQ_API_KEY" in kernel.run("%llm_models --provider groq").printed


def test_an_unknown_provider_is_refused(kernel: Kernel, server: ScriptedServer) -> None:
    play_models(server, "model-1")
    run = kernel.run("%llm_models --provider grok")
    assert run.error == "ConfigError: there is no provider 'grok'; did you mean groq?"
    assert "there is no provider 'gpt'; there are" in kernel.run("%llm_models --provider gpt").error
