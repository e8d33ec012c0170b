"""Secrets, by every way in, appear in no place: tests/data/secrets.json."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from urllib.parse import quote

import pytest

from cellmage.providers.masking import mask_secrets
from cellmage.testing import Exchange, Reply, ScriptedServer, answer
from tests.kernel.client import Kernel, Run
from tests.kernel.own_kernel import shared_kernel  # noqa: F401 - the fixture
from tests.repetitions import sample

DATA = json.loads((Path(__file__).parent.parent / "data/secrets.json").read_text())
SECRETS = {secret["id"]: secret["value"] for secret in DATA["secrets"]}

# What must not be seen: the whole, and the part of it that is secret.
PARTS = {
    "bearer_in_url": "pa55-test", "query_key": "TESTQUERYKEY123", "custom_header": "TESTHEADER123",
}  # fmt: skip

# The code that brings the secret in. It is in the kernel's variable `secret`; no user types it.
WAYS = {
    "environment variable": "os.environ['OPENAI_API_KEY'] = secret",
    ".env file": (
        "open('.env', 'w').write(f'OPENAI_API_KEY={secret}')\nos.environ['OPENAI_API_KEY'] = secret"
    ),
    "config file": (
        "get_ipython().config.LLMMagics.extra_body = {'api_key': secret, 'k': [secret]}\n"
        "get_ipython().config.LLMMagics.base_url = f'https://x:{secret}@a.example/v1'\n"
        "%reload_ext cellmage"
    ),
    "keyring": "keep_in_ring(secret)",
    "a 0600 file": "keep_in_file(secret)",
    "argument of the Python API": (
        "from cellmage import *\nfrom cellmage.providers.keys import Key\n"
        "from cellmage.providers.openai import OpenAIProvider\n"
        "chat.provider = OpenAIProvider(Endpoint(url), Key(secret))"
    ),
    "default_headers": (
        "chat.options = Options(extra_body={'default_headers': {'X-Custom-Auth': secret}})"
    ),
    "base_url with user and password": (
        "os.environ['OPENAI_BASE_URL'] = url.replace('://', f'://user:{secret}@')"
    ),
    "base_url with a query key": "os.environ['OPENAI_BASE_URL'] = f'{url}?key={secret}'",
    # At the end: what is typed stays in IPython's history.
    "line magic argument (must be refused with a hint)": "%llm --api-key {}",
    "cell text": "%%llm\nWhat is {} for?",
}
TYPED = {"line magic argument (must be refused with a hint)", "cell text"}

typed: set[str] = set()
"""Secrets that a cell of the shared kernel has had: they stay in IPython's history."""
UNUSED = {*TYPED, "default_headers"}
START = """
import io, logging, os, pickle, sys
import keyring, keyring.backend
from pathlib import Path
from cellmage import Conversation, Options
from cellmage.providers.keystore import key_file_path

class Ring(keyring.backend.KeyringBackend):
    priority = 1
    keys = {}
    def get_password(self, service, username):
        return self.keys.get(username)
    def set_password(self, service, username, password):
        self.keys[username] = password

def keep_in_ring(secret):
    keyring.set_keyring(Ring())
    del os.environ["OPENAI_API_KEY"]
    Ring.keys = {url.split("/")[2]: secret}

def keep_in_file(secret):
    key_file_path().parent.mkdir(parents=True, exist_ok=True)
    key_file_path().touch(0o600)
    key_file_path().write_text(f"{url.split('/')[2]}={secret}\\n")
    del os.environ["OPENAI_API_KEY"]

get_ipython().config.LLMMagics.clear()
%reload_ext cellmage
Ring.keys = {}
key_file_path().unlink(missing_ok=True)
chat = Conversation()
history = get_ipython().history_manager
store = get_ipython().magics_manager.registry["LLMMagics"].chats.store
logged = io.StringIO()
logging.basicConfig(stream=logged, level=logging.DEBUG, force=True)
"""

# Everything that a user may do afterwards.
LOOKS = [
    "%llm -m m My key is {{ secret }}",
    "%llm -m m --stats hi",
    "%llm -m m --dry-run hi",
    "%llm -m groq/llama hi",
    "%llm -m fail fails",
    "%xmode Verbose\nchat.ask('fails', model='fail')",
    "%xmode Minimal\nchat.ask('fails', model='fail')",
    "%xmode Plain\nchat.ask('fails', model='fail')",
    "%xmode Context\nchat.ask('fails', model='fail')",
    "%llm_config\n%llm_history --verbose\n%llm_models\n"
    "from cellmage.conversation.export import to_json\n"
    "print(to_json(get_ipython().magics_manager.registry['LLMMagics'].chats.get(None).turns))\n"
    "history.writeout_cache()\n"
    "key = getattr(chat.provider, 'api_key', 0)\n"
    "for value in (_llm, chat, chat.options, chat.provider, key):\n"
    "    print(repr(value), str(value), getattr(value, '__dict__', ''))\n"
    "    get_ipython().run_line_magic('pinfo', 'value')\n"
    "try:\n    chat.ask('fails', model='fail')\nexcept Exception as error:\n"
    "    print(pickle.dumps(error), error.__context__, error.__cause__, vars(error))\n"
    "print(logged.getvalue(), sys.argv)",
]  # fmt: skip


# The store, with what SQLite keeps beside it, and IPython's own history.
FILES = (
    "[str(path) for path in (*store.path.parent.glob('*'), Path(history.hist_file)) "
    "if path.is_file()]"
)


def echoing(exchange: Exchange) -> Reply:
    """A server that sends all that it received back in its error."""
    if exchange.body is not None and exchange.body["model"] == "m":
        return Reply(answer("fine"))
    error = json.dumps({"error": {"message": f"bad: {exchange.headers} {exchange.body}"}})
    return Reply([error.encode()], status=401, content_type="application/json")


def output_of(run: Run) -> str:
    """Return all that arrived from the kernel; not what was sent to it."""
    messages = [message for message in run.messages if message.type != "execute_input"]
    return json.dumps(
        [[message.content, message.metadata] for message in messages], ensure_ascii=False
    )


def collect(
    kernel: Kernel, server: ScriptedServer, code: str, secret: str, is_known: bool
) -> dict[str, str]:
    """Return all text that may contain the secret, by the name of its source."""
    texts = {"way in": output_of(kernel.run(code))} if is_known or "api-key" in code else {}
    for look in LOOKS if is_known else LOOKS[1:]:
        texts[look] = output_of(kernel.run(look))
    completions = kernel.client.complete("chat.provider.", reply=True, timeout=20)
    texts["completions"] = json.dumps(completions["content"])
    for file in map(Path, kernel.value(FILES)):
        # What was typed is in IPython's history, as in the notebook.
        if "history" not in file.name or secret not in typed:
            texts[file.name] = file.read_bytes().decode("utf-8", "replace")
    texts["to the model"] = json.dumps([exchange.body for exchange in server.exchanges])
    return texts


def can_be_known(name: str, way_in: str) -> bool:
    """Not so where it is text that was never a key here, and looks like none."""
    return way_in not in UNUSED or bool(mask_secrets(SECRETS[name])[1])


@pytest.mark.parametrize(("name", "way_in"), sample(list(product(SECRETS, WAYS)), 40))
def test_no_secret_is_seen(
    kernel: Kernel, server: ScriptedServer, name: str, way_in: str, tmp_path: Path
) -> None:
    secret = SECRETS[name]
    (tmp_path / "secret").write_text(secret)
    server.play_with(echoing)
    assert kernel.run(START).ok
    read = f"url = {server.url!r}; secret = open({str(tmp_path / 'secret')!r}).read()"
    assert kernel.run(read).ok
    code = WAYS[way_in].format(secret.strip()) if way_in in TYPED else WAYS[way_in]
    typed.update([secret] if way_in in TYPED else [])
    texts = collect(kernel, server, code, secret, can_be_known(name, way_in))
    part = PARTS.get(name, secret).strip()
    assert [name for name, text in texts.items() if part in text] == []


@pytest.mark.parametrize("ask", ["%llm {}", "Conversation().ask({!r})"])
def test_the_first_question_with_a_key_of_the_keyring(
    kernel: Kernel, server: ScriptedServer, ask: str
) -> None:
    """Nothing has looked into the keyring before."""
    server.play(*answer("Sent."))
    secret = f"{hash(ask) % 10**9:09d}-of-the-keyring"
    assert kernel.run(START).ok
    assert kernel.run(f"url = {server.url!r}; secret = {secret!r}\nkeep_in_ring(secret)").ok
    run = kernel.run(ask.format(f"My key is {secret}"))
    assert "nothing was sent" in run.error
    assert not server.exchanges


@pytest.mark.parametrize("way_in", ["environment variable", "keyring", "a 0600 file"])
def test_the_key_arrives(
    kernel: Kernel, server: ScriptedServer, way_in: str, tmp_path: Path
) -> None:
    assert kernel.run(START).ok
    assert kernel.run(f"url = {server.url!r}; secret = 'sk-test-arrives-0001'").ok
    assert kernel.run(WAYS[way_in]).ok
    assert kernel.run("%llm hi").ok
    assert server.last.headers["authorization"] == "Bearer sk-test-arrives-0001"


ASK = """
import logging, pickle, traceback
logging.basicConfig(level=logging.DEBUG)
from cellmage import Conversation
chat = Conversation()
try:
    chat.ask("hi", model="m")
except Exception as error:
    traceback.print_exc()
    print(repr(error), pickle.dumps(error), vars(error))
else:
    print("fine")
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({"bearer_in_url", *sample(list(SECRETS), 4)}))
def test_the_password_of_a_proxy(server: ScriptedServer, name: str) -> None:
    secret = quote(SECRETS[name], safe="") if name != "bearer_in_url" else SECRETS[name]
    proxy = server.url.replace("://", f"://user:{secret}@").removesuffix("/v1")
    server.play_with(echoing)
    environ = os.environ | {"HTTP_PROXY": proxy, "OPENAI_BASE_URL": "http://models.test/v1"}
    environ |= {"CELLMAGE_HTTP_HOSTS": "models.test", "OPENAI_API_KEY": "sk-test-0000"}
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=environ, capture_output=True, text=True, check=True
    )
    assert PARTS.get(name, secret) not in done.stdout + done.stderr
    assert bool(server.exchanges) == ("fine" in done.stdout) == (name != "bearer_in_url")


def test_every_way_is_here() -> None:
    assert set(DATA["ways_in"]) - {"proxy address with password"} <= set(WAYS)
