"""Fixtures for pytest; pytest finds them in every environment in which cellmage is installed.

A test that asks for none of them is not affected. `isolated_cellmage` hides the keys, the files and
the settings of the person who runs the test. `scripted_server` is a running server.
`scripted_endpoint` is both: code that uses cellmage without arguments asks the scripted server.
`llm_replay` answers from a file beside the test, which ``pytest --llm-record`` fills.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..providers.endpoints import ENDPOINTS
from ..recording.file_recordings import SUFFIX, open_record, open_replay
from ..recording.process import use_recording
from ..recording.recording import Recording
from .server import ScriptedServer

_RECORD_OPTION = "--llm-record"

KEY_VARIABLES = {endpoint.api_key_variable for endpoint in ENDPOINTS.values()}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that fills the files of `llm_replay`."""
    parser.getgroup("cellmage").addoption(
        _RECORD_OPTION,
        nargs="?",
        const="missing",
        choices=("missing", "all"),
        help="ask the models, and record their answers for the fixture llm_replay: those that are "
        "missing (the default), or all",
    )


@pytest.fixture
def llm_replay(request: pytest.FixtureRequest) -> Iterator[Recording]:
    """Answer from the file beside the test, ``test_name.llm.jsonl``; no model is asked.

    A question that is not in the file fails the test and says what differs. ``--llm-record`` asks
    the models for the missing answers, ``--llm-record=all`` for all of them, and records them.
    """
    path = request.path.with_suffix(SUFFIX)
    mode = request.config.getoption(_RECORD_OPTION)
    if mode is None and not path.exists():
        pytest.fail(f"there is no {path.name}: pytest {_RECORD_OPTION} records the answers")
    recording = open_record(path, only_missing=mode == "missing") if mode else open_replay(path)
    with use_recording(recording):
        yield recording


@pytest.fixture
def isolated_cellmage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Hide API keys, addresses, settings and stored conversations of the user from the test.

    The environment variables of all known endpoints are unset. The home folder and the folders for
    configuration and data are below ``tmp_path``; the fixture returns the home folder.
    """
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "CELLMAGE_")) or name in KEY_VARIABLES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def scripted_server() -> Iterator[ScriptedServer]:
    """Run a `ScriptedServer` during the test; it answers "ok" until a script is played."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def scripted_endpoint(
    isolated_cellmage: Path, scripted_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> ScriptedServer:
    """Make the scripted server the default endpoint of this process and of processes it starts.

    It sets ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY``. The fixture returns the server.
    """
    monkeypatch.setenv("OPENAI_BASE_URL", scripted_server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0000")
    return scripted_server
