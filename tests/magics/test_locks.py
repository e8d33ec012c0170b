"""Settings that the administrator of a hub has locked."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cellmage.errors import ConfigError, UsageError
from cellmage.magics.locks import Locks
from cellmage.options import Options
from cellmage.providers.registry import resolve_model

PYTHON = "c.LLMLocks.{} = {!r}"


def write(folder: Path, **locks: Any) -> Locks:
    lines = [PYTHON.format(name, value) for name, value in locks.items()]
    (folder / "ipython_config.py").write_text("\n".join(["c = get_config()", *lines]))
    return Locks([str(folder)])


def call(data: str | None = None, tool: list[str] | None = None) -> Namespace:
    return Namespace(data=data, tool=tool)


def test_without_a_file_nothing_is_locked(tmp_path: Path) -> None:
    locks = Locks([str(tmp_path)])
    locks.check_call(call("rows", ["any"]), [resolve_model(Options(model="offline/echo"))])
    locks.check_changes({"data": "rows", "spend_limit": None, "store": "on"})


@pytest.mark.parametrize(
    ("name", "lock", "changes"),
    [
        ("data", "schema", {"data": "stats"}),
        ("data", "stats", {"data": "rows"}),
        ("spend_limit", 5, {"spend_limit": 5.01}),
        ("store", "off", {"store": "on"}),
    ],
)
def test_a_setting_beyond_its_lock_is_refused(
    tmp_path: Path, name: str, lock: Any, changes: dict[str, Any]
) -> None:
    locks = write(tmp_path, **{name: lock})
    with pytest.raises(UsageError, match=f"locked by .*ipython_config.py; allowed: .*{lock}"):
        locks.check_changes(changes)
    locks.check_changes({name: lock})


def test_what_config_sets_is_limited(tmp_path: Path) -> None:
    locks = write(tmp_path, data="schema", spend_limit=2.5, store="off")
    settings = SimpleNamespace(data="rows", spend_limit=None, store="auto")
    locks.limit(settings)
    assert vars(settings) == {"data": "schema", "spend_limit": 2.5, "store": "off"}
    settings = SimpleNamespace(data="schema", spend_limit=1.0, store="off")
    locks.limit(settings)
    assert settings.spend_limit == 1.0


def test_models_hosts_and_tools_of_a_call(tmp_path: Path) -> None:
    locks = write(tmp_path, models=["offline/*", "llama*"], hosts=["localhost*"], tools=["web"])
    llama = resolve_model(Options(model="llama3.2", base_url="http://localhost:11434/v1"))
    locks.check_call(call(tool=["web"]), [llama])
    other = resolve_model(Options(model="qwen3", base_url="http://localhost:11434/v1"))
    with pytest.raises(UsageError, match="the model qwen3 is locked"):
        locks.check_call(call(), [other])
    far = resolve_model(Options(model="llama3.2", base_url="https://llm.example/v1"))
    with pytest.raises(UsageError, match=r"the host llm\.example is locked"):
        locks.check_call(call(), [far])
    with pytest.raises(UsageError, match="--tool shell is locked"):
        locks.check_call(call(tool=["web", "shell"]), [llama])


def test_no_tool_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="allowed: none"):
        write(tmp_path, tools=[]).check_call(call(tool=["f"]), [])


def test_the_file_of_the_machine_wins(tmp_path: Path) -> None:
    folders = [tmp_path / "python", tmp_path / "machine"]
    for folder, level in zip(folders, ("rows", "schema"), strict=True):
        folder.mkdir()
        (folder / "ipython_config.json").write_text(f'{{"LLMLocks": {{"data": "{level}"}}}}')
    assert Locks(map(str, folders)).by_name["data"].value == "schema"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("c.LLMLocks.modles = []", "there is no lock LLMLocks.modles"),
        ("c.LLMLocks.models = 'gpt'", "models must be a list of patterns"),
        ("c.LLMLocks.data = 'all'", "data must be one of schema, stats, rows"),
        ("c.LLMLocks.spend_limit = '5'", "must be a number of US dollars"),
        ("1 / 0", "cannot be read: division by zero"),
    ],
)
def test_no_lock_is_ignored(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "ipython_config.py").write_text(f"c = get_config()\n{text}")
    with pytest.raises(ConfigError, match=message):
        Locks([str(tmp_path)])
