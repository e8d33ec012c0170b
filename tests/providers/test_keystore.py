"""Keys in a file that only the user can read, and in the keyring."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from cellmage import ConfigError, Conversation, Options, UsageError
from cellmage.providers.keystore import KEYRING_SERVICE, key_file_path, read_key_file
from cellmage.providers.openai import OpenAIProvider
from cellmage.providers.registry import default_model, resolve_model


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[tuple[str, str], str] = {}
        self.is_locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringLocked("it is locked")
        return self.keys.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.keys[service, username] = password


@pytest.fixture(autouse=True)
def ring() -> Iterator[Ring]:
    previous, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(previous)


def write(text: str, mode: int = 0o600) -> Path:
    path = key_file_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def key_of(model: str, **environ: str) -> str | None:
    provider = resolve_model(Options(model=model), environ).provider
    assert isinstance(provider, OpenAIProvider)
    return provider.api_key.reveal() if provider.api_key else None


def test_a_file() -> None:
    write("# mine\nGROQ_API_KEY = gsk_1\n\nOPENAI_API_KEY=sk-2=\nllm.example.org=own\n")
    assert key_of("groq/llama") == "gsk_1"
    assert key_of("gpt-4o") == "sk-2="
    assert key_of("m", OPENAI_BASE_URL="https://llm.example.org/v1") == "own"
    assert default_model({}) == "gpt-6-luna"


def test_a_changed_file_is_read_again() -> None:
    path = write("OPENAI_API_KEY=sk-1\n")
    assert [key_of("gpt-4o") for _ in range(2)] == ["sk-1", "sk-1"]
    write("OPENAI_API_KEY=sk-other\n")
    assert key_of("gpt-4o") == "sk-other"
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="others can read"):
        key_of("gpt-4o")
    path.unlink()
    with pytest.raises(ConfigError, match="needs a key"):
        key_of("gpt-4o")


def test_a_keyring(ring: Ring) -> None:
    ring.set_password(KEYRING_SERVICE, "OPENAI_API_KEY", "sk-ring")
    assert key_of("gpt-4o") == "sk-ring"
    assert key_of("gpt-4o", OPENAI_API_KEY="sk-env") == "sk-env"
    with pytest.raises(ConfigError, match="needs a key"):
        resolve_model(Options(model="groq/llama"), {})


def test_a_key_goes_to_its_host_alone(ring: Ring) -> None:
    write("OPENAI_API_KEY=sk-file\n")
    ring.set_password(KEYRING_SERVICE, "GROQ_API_KEY", "gsk_ring")
    assert key_of("m", OPENAI_BASE_URL="https://elsewhere.example/v1") is None
    assert key_of("ollama/llama3.2") is None
    assert resolve_model(Options(model="m", base_url="https://elsewhere.example/v1"), {})
    with pytest.raises(ConfigError, match="needs a key"):
        resolve_model(Options(model="xai/grok"), {})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_refused(mode: int) -> None:
    path = write("OPENAI_API_KEY=sk-0000000000000000\n", mode)
    with pytest.raises(ConfigError) as caught:
        resolve_model(Options(model="gpt-4o"), {})
    assert str(caught.value) == f"others can read the keys in {path}: chmod 600 {path}"


def test_a_file_that_is_no_text_is_refused() -> None:
    path = write("")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_key_file(path)


def test_a_line_without_a_key_is_told_where_the_key_is_missing() -> None:
    path = write('OPENAI_API_KEY="sk-test-0000\n')
    for options in (Options(model="gpt-4o"), Options()):
        with pytest.raises(ConfigError, match="line 1: the quote is not closed") as caught:
            resolve_model(options, {})
        assert str(path) in str(caught.value)
        assert "sk-test" not in str(caught.value)
    assert key_of("ollama/llama3.2") is None
    assert key_of("gpt-4o", OPENAI_API_KEY="sk-1") == "sk-1"


@pytest.mark.parametrize("value", [' "sk-1"\r\n', "Bearer sk-1", "\u00a0sk-1", "'sk-1'  # mine"])
def test_a_variable_as_people_write_it(value: str, ring: Ring) -> None:
    assert key_of("gpt-4o", OPENAI_API_KEY=value) == "sk-1"
    ring.set_password(KEYRING_SERVICE, "OPENAI_API_KEY", value)
    assert key_of("gpt-4o") == "sk-1"


def test_a_locked_keyring(ring: Ring) -> None:
    ring.is_locked = True
    with pytest.raises(ConfigError, match="KeyringLocked"):
        resolve_model(Options(model="gpt-4o"), {})


def test_a_stored_key_is_not_sent_to_a_model() -> None:
    write("GROQ_API_KEY=gsk_0000000000000000\n")
    with pytest.raises(UsageError, match="GROQ_API_KEY"):
        Conversation(Options(model="offline/echo")).ask("What is gsk_0000000000000000 for?")


def test_a_missing_keyring_is_said_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'keyring \(pip install "cellmage\[keyring\]" first\)'):
        resolve_model(Options(model="groq/llama"), {})
