"""The provider and the key for the name of a model."""

from __future__ import annotations

import pytest

from cellmage import ConfigError, Conversation, Options
from cellmage.providers.endpoints import ENDPOINTS, OPENAI
from cellmage.providers.offline import DEFAULT_NOTICE
from cellmage.providers.openai import OpenAIProvider
from cellmage.providers.registry import default_model, resolve_model
from cellmage.testing import ScriptedServer
from tests.kernel.client import Kernel

KEY = {"OPENAI_API_KEY": "k"}
LOCAL = {"OPENAI_BASE_URL": "http://localhost:1/v1"}


@pytest.mark.parametrize(
    ("model", "base_url", "environ", "address", "name"),
    [
        ("gpt-4o", None, KEY, "https://api.openai.com/v1", "gpt-4o"),
        ("openai/gpt-4o", None, KEY, "https://api.openai.com/v1", "gpt-4o"),
        ("gpt-4o", None, LOCAL, "http://localhost:1/v1", "gpt-4o"),
        ("openai/gpt-oss", None, LOCAL, "http://localhost:1/v1", "openai/gpt-oss"),
        ("meta/llama", None, LOCAL, "http://localhost:1/v1", "meta/llama"),
        ("ollama/llama3.2", None, KEY | LOCAL, "http://localhost:11434/v1", "llama3.2"),
        ("openai/oss", "http://localhost:2/v1", KEY, "http://localhost:2/v1", "openai/oss"),
        ("groq/a/b", None, {"GROQ_API_KEY": "k"}, "https://api.groq.com/openai/v1", "a/b"),
        (
            "azure/d",
            None,
            {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://x.example/"},
            "https://x.example/openai/v1",
            "d",
        ),
        (None, None, KEY, "https://api.openai.com/v1", "gpt-6-luna"),
        (None, None, LOCAL | {"CELLMAGE_MODEL": "m"}, "http://localhost:1/v1", "m"),
    ],
)
def test_remote(
    model: str | None, base_url: str | None, environ: dict[str, str], address: str, name: str
) -> None:
    resolved = resolve_model(Options(model=model, base_url=base_url), environ)
    assert isinstance(resolved.provider, OpenAIProvider)
    assert (resolved.provider.endpoint.base_url, resolved.model) == (address, name)


ENDPOINT_PATHS = ("chat/completions", "completions", "responses", "models", "embeddings")


@pytest.mark.parametrize(
    ("text", "base_url"),
    [
        *((f"https://a.example/v1/{path}", "https://a.example/v1") for path in ENDPOINT_PATHS),
        ("https://a.example/v1beta/openai/models/", "https://a.example/v1beta/openai"),
        ("https://a.example/models", "https://a.example/models"),
        ("http://localhost:1//v1//", "http://localhost:1/v1"),
        ("localhost:1234/v1", "http://localhost:1234/v1"),
        ("[::1]:1234/v1", "http://[::1]:1234/v1"),
        (" HTTPS://A.example/v1 \u00a0\n", "https://a.example/v1"),
        ('"http://127.0.0.1:1/v1"', "http://127.0.0.1:1/v1"),
        ("http://0.0.0.0:8000/v1", "http://127.0.0.1:8000/v1"),
        ("https://a.example:443/v1", "https://a.example/v1"),
        ("https://a.example/v1/Chat/Completions", "https://a.example/v1"),
        ("<https://a.example/v1>,", "https://a.example/v1"),
        ("`http://localhost:1/v1`", "http://localhost:1/v1"),
        ("“http://localhost:1/v1”", "http://localhost:1/v1"),
        ("http://http://localhost:1/v1", "http://localhost:1/v1"),
        ("https://http://localhost:1/v1", "http://localhost:1/v1"),
        ("http://localhost:/v1", "http://localhost/v1"),
    ],
)
def test_an_address_as_it_is_typed(text: str, base_url: str) -> None:
    assert Options(base_url=text).base_url == base_url
    provider = resolve_model(Options(model="m"), {"OPENAI_BASE_URL": text}).provider
    assert isinstance(provider, OpenAIProvider)
    assert provider.endpoint.base_url == base_url


def test_the_configuration_shows_the_address_that_is_used(
    kernel: Kernel, server: ScriptedServer
) -> None:
    address = server.url.removeprefix("http://")
    for code in (
        f"%llm_config --base-url {address}/chat/completions",
        f"%llm_config --reset\n%env OPENAI_BASE_URL={address}/chat/completions",
    ):
        kernel.run(code)
        assert f" {server.url} " in kernel.run("%llm_config").printed
        assert kernel.run("%llm -m m hi").texts == ["ok"]
    kernel.run("%llm_config --reset")


@pytest.mark.parametrize(
    ("environ", "host", "name"),
    [
        ({}, "localhost:1", "deepseek/r1"),
        ({"DEEPSEEK_API_KEY": " "}, "localhost:1", "deepseek/r1"),
        ({"DEEPSEEK_API_KEY": "k"}, "api.deepseek.com", "r1"),
        ({"OPENAI_BASE_URL": "https://openrouter.ai/api/v1"}, "openrouter.ai", "deepseek/r1"),
        ({"OPENAI_BASE_URL": "https://api.deepseek.com"}, "api.deepseek.com", "r1"),
    ],
)
def test_a_model_of_the_configured_server_with_the_prefix_of_a_provider(
    environ: dict[str, str], host: str, name: str
) -> None:
    """The key decides: without one for DeepSeek, the name is the configured server's own."""
    resolved = resolve_model(Options(model="deepseek/r1"), KEY | LOCAL | environ)
    assert (resolved.provider.name, resolved.model) == (host, name)


def test_a_known_host_keeps_its_habits() -> None:
    environ = KEY | {"OPENAI_BASE_URL": "https://api.mistral.ai/v1/chat/completions"}
    provider = resolve_model(Options(model="m"), environ).provider
    assert isinstance(provider, OpenAIProvider)
    assert not provider.endpoint.supports_stream_usage


@pytest.mark.parametrize(
    "value", ["https://x.example", "https://x.example/openai/v1/", "https://x.example/openai/"]
)
def test_azure_with_and_without_its_path(value: str) -> None:
    environ = {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": value}
    provider = resolve_model(Options(model="azure/d"), environ).provider
    assert isinstance(provider, OpenAIProvider)
    assert provider.endpoint.base_url == "https://x.example/openai/v1"


def test_a_long_name_is_cut_in_messages() -> None:
    name = "n" * 5000
    for model in (f"{name}/m", f"offline/{name}", name):
        with pytest.raises(ConfigError) as caught:
            resolve_model(Options(model=model), {})
        assert len(str(caught.value)) < 500


def test_with_nothing_configured_the_offline_model_answers_and_says_so() -> None:
    assert default_model({}) == "offline/tour"
    response = Conversation().ask("What is this?")
    assert response.model == "offline/tour"
    assert response.notices == (DEFAULT_NOTICE,)
    assert "> What is this?" in response.text
    assert "1 message." in response.text
    assert Conversation().ask("hi", model="offline/tour").notices == ()


@pytest.mark.parametrize("model", ["gpt-4o", "openai/gpt-4o"])
def test_a_named_model_without_a_key_is_an_error(model: str) -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        resolve_model(Options(model=model), {})


def test_a_key_for_one_host_does_not_serve_openai() -> None:
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        resolve_model(Options(model="m", base_url="https://api.openai.com/v1"), KEY | LOCAL)


@pytest.mark.parametrize(
    "base_url",
    [
        "llm.example.org/v1",
        "ftp://x/v1",
        "http://",
        "x",
        "http://[::1/v1",
        "http://bob:hunter2@x/v1",
        "http://x/v1?key=hunter2",
        "http://x/v1?api-version=1&key=hunter2",
        "http://x/v1#hunter2",
        "sk-test-hunter2",
    ],
)
def test_bad_address(base_url: str) -> None:
    with pytest.raises(ConfigError, match="must look like") as caught:
        resolve_model(Options(model="m", base_url=base_url), {})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("environ", [{}, KEY])
def test_an_unknown_provider_is_not_sent_to_openai(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="no provider 'acme'"):
        resolve_model(Options(model="acme/model"), environ)


def test_unknown_offline_model() -> None:
    with pytest.raises(ConfigError, match="offline/tour, offline/echo"):
        resolve_model(Options(model="offline/x"), {})


def test_every_provider_has_its_own_key() -> None:
    variables = {
        endpoint.api_key_variable: endpoint.api_key_variable
        for endpoint in ENDPOINTS.values()
        if endpoint.api_key_variable
    }
    environ = variables | {"AZURE_OPENAI_ENDPOINT": "https://x.example"}
    for name, endpoint in ENDPOINTS.items():
        provider = resolve_model(Options(model=f"{name}/m"), environ).provider
        assert isinstance(provider, OpenAIProvider)
        key = provider.api_key.reveal() if provider.api_key else None
        assert key == endpoint.api_key_variable
        if endpoint.api_key_variable and endpoint is not OPENAI:
            without = {
                key: value for key, value in environ.items() if key != endpoint.api_key_variable
            }
            with pytest.raises(ConfigError, match=endpoint.api_key_variable):
                resolve_model(Options(model=f"{name}/m"), without)


def test_azure_needs_an_address() -> None:
    with pytest.raises(ConfigError, match="AZURE_OPENAI_ENDPOINT"):
        resolve_model(Options(model="azure/m"), {"AZURE_OPENAI_API_KEY": "k"})


@pytest.mark.parametrize(
    ("base_url", "environ", "error"),
    [
        ("http://gpu.example:8000/v1", {}, "plain http to gpu.example:8000"),
        ("http://gpu.example:8000/v1", {"CELLMAGE_HTTP_HOSTS": "a, GPU.example:8000"}, None),
        ("https://gpu.example/v1", {}, None),
        ("http://127.0.0.9/v1", {}, None),
        ("http://[::1]:8000/v1", {}, None),
        ("http://169.254.169.254/v1", {"CELLMAGE_HTTP_HOSTS": "169.254.169.254"}, "link-local"),
        ("https://[fe80::1]/v1", {}, "link-local"),
    ],
)
def test_where_nothing_is_sent(base_url: str, environ: dict[str, str], error: str | None) -> None:
    options = Options(model="m", base_url=base_url)
    if error is None:
        assert resolve_model(options, environ).model == "m"
    else:
        with pytest.raises(ConfigError, match=error):
            resolve_model(options, environ)
