"""The fixtures for pytest, in a test suite of a user: in a folder and a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cellmage.testing import plugin

USER_TESTS = """
import os

import pytest

from cellmage import CellmageError, Conversation
from cellmage.testing import Reply, answer, chunk


def summarize(text):
    return Conversation().ask(f"Summarize: {text}").text


def test_prompt_and_answer(scripted_endpoint):
    scripted_endpoint.play(*answer("Short.", 2))
    assert summarize("A long text") == "Short."
    assert scripted_endpoint.last.messages == [("user", "Summarize: A long text")]


def test_a_connection_that_breaks(scripted_endpoint):
    scripted_endpoint.play_each([Reply([chunk("Half")], end="reset")])
    with pytest.raises(CellmageError, match="connection"):
        summarize("A long text")


def test_nothing_of_the_user_is_used(isolated_cellmage):
    assert not {"OPENAI_API_KEY", "GROQ_API_KEY", "CELLMAGE_MODEL"} & set(os.environ)
    assert "UNRELATED" in os.environ


def test_a_test_without_fixtures_is_not_affected():
    assert os.environ["OPENAI_API_KEY"] == "sk-of-the-user"
"""

LIGHT_TEST = """
import sys

def test_light():
    assert "cellmage.testing.plugin" in sys.modules
    assert not {"openai", "IPython", "httpx", "rich"} & set(sys.modules)
"""


def run_pytest(folder: Path, source: str, *arguments: str) -> str:
    """Run these tests in a process of their own, and return what pytest prints."""
    (folder / "test_user.py").write_text(source)
    environment = {
        "OPENAI_API_KEY": "sk-of-the-user",
        "GROQ_API_KEY": "gsk-of-the-user",
        "CELLMAGE_MODEL": "offline/echo",
        "UNRELATED": "1",
        # Plugins of other packages in this environment take seconds to import.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "-p", "cellmage.testing.plugin"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


@pytest.mark.slow
def test_fixtures(tmp_path: Path) -> None:
    assert "4 passed" in run_pytest(tmp_path, USER_TESTS)


def test_the_plugin_is_light(tmp_path: Path) -> None:
    assert "1 passed" in run_pytest(tmp_path, LIGHT_TEST)


def test_pytest_finds_the_plugin(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.get_plugin("cellmage") is plugin


@pytest.mark.parametrize("name", ["isolated_cellmage", "scripted_server", "scripted_endpoint"])
def test_fixtures_are_documented(name: str) -> None:
    assert getattr(plugin, name).__doc__


REPLAY_TESTS = """
import pytest

from cellmage import Conversation, ReplayError


def test_answer(llm_replay):
    assert Conversation().ask("Hi", model="offline/echo").text == "Hi"


def test_another_answer(llm_replay):
    assert Conversation().ask("Is it Ho", model="offline/echo").text == "Is it Ho"
"""


@pytest.mark.slow
def test_answers_are_recorded_beside_the_test_and_replayed(tmp_path: Path) -> None:
    assert "pytest --llm-record records the answers" in run_pytest(tmp_path, REPLAY_TESTS)
    assert "2 passed" in run_pytest(tmp_path, REPLAY_TESTS, "--llm-record")
    file = tmp_path / "test_user.llm.jsonl"
    recorded = file.read_text()
    assert recorded.count("\n") == 2
    file.write_text(recorded.replace('"text": "Hi"', '"text": "Hello"'))
    output = run_pytest(tmp_path, REPLAY_TESTS)
    assert "1 failed, 1 passed" in output
    assert "assert 'Hello' == 'Hi'" in output
    output = run_pytest(tmp_path, REPLAY_TESTS.replace("it Ho", "it Hey"))
    assert "the prompt changed: Is it [-Ho-] {+Hey+}" in output
    assert "2 passed" in run_pytest(tmp_path, REPLAY_TESTS, "--llm-record=all")
    assert file.read_text().splitlines()[1] == recorded.splitlines()[1]
    assert '"text": "Hello"' not in file.read_text()
