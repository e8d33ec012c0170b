"""Tab in a notebook: complete requests to a real kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cellmage.testing import ScriptedServer
from tests.kernel.client import Kernel

META = "_jupyter_types_experimental"


def complete(kernel: Kernel, code: str) -> dict[str, Any]:
    """Return the reply to a Tab at the end of a text."""
    msg_id = kernel.client.complete(code, len(code))
    while True:
        reply = kernel.client.get_shell_msg(timeout=60)  # the first Tab of a kernel reads stubs
        if reply["parent_header"].get("msg_id") == msg_id:
            content: dict[str, Any] = reply["content"]
            return content


def matches(kernel: Kernel, code: str) -> list[str]:
    """Return the lines that a page may put in place of the last one."""
    reply = complete(kernel, code)
    start = reply["cursor_start"]
    assert reply["cursor_end"] == len(code) or not reply["matches"]
    line = code.rfind("\n") + 1
    return [code[line:start] + match for match in reply["matches"]]


class TestFlags:
    def test_flags_come_with_their_help(self, offline: Kernel) -> None:
        items = complete(offline, "%%llm --")["metadata"][META]
        help_of = {item["text"]: item["type"].replace("\u00a0", " ") for item in items}
        assert help_of["--model"].startswith("The model that answers, as provider/model")
        assert not any(" " in item["type"] for item in items), "JupyterLab would wrap it"
        assert help_of["--stop-at"] == "End the answer at this text"
        assert {"--snippet", "--no-stream", "--no-rollback"} <= set(help_of)
        assert not [text for text in help_of if not text.startswith("--")]

    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("%%llm --mo", ["%%llm --model"]),
            ("%%llm --model x --te", ["%%llm --model x --temperature"]),
            ('%%llm -s "a --b" --snip', ['%%llm -s "a --b" --snippet']),
            ("x = %llm --sch", ["x = %llm --schema"]),
            ("%llm_config --remove-a", ["%llm_config --remove-alias"]),
            ("%llm_history --sea", ["%llm_history --search"]),
            ("x = 1\n%%llm --sch", ["%%llm --schema"]),
            ("%%llm --chat a --cha", []),
            ("%%llm --tool a --too", ["%%llm --tool a --tool"]),
            ("%%llm -- --mo", []),
            ("%llm Why --mo", []),
        ],
    )
    def test_a_flag_is_completed(self, offline: Kernel, code: str, expected: list[str]) -> None:
        assert matches(offline, code) == expected

    def test_the_body_and_other_lines_are_left_to_others(self, offline: Kernel) -> None:
        offline.run("completable_name = 1")
        assert "completable_name" in complete(offline, "completable_n")["matches"]
        assert "completable_name" in complete(offline, "%%llm --chat a\ncompletable_n")["matches"]


@pytest.fixture
def zippy(kernel: Kernel) -> Iterator[Kernel]:
    """Return a kernel with an alias."""
    assert kernel.run("%llm_config --alias zippy some/model").ok
    yield kernel
    kernel.run("%llm_config --remove-alias zippy")


class TestValues:
    def test_models_are_aliases_what_was_listed_and_the_table(
        self, zippy: Kernel, server: ScriptedServer
    ) -> None:
        server.play(b'{"data": [{"id": "zebra-listed"}]}', content_type="application/json")
        zippy.run("%llm_models")
        exchanges = len(server.exchanges)
        assert matches(zippy, "%%llm --model z") == [
            "%%llm --model zippy", "%%llm --model zebra-listed"
        ]  # fmt: skip
        assert "%%llm -m gpt-6-luna" in matches(zippy, "%%llm -m gpt")
        assert matches(zippy, "%%llm --model=zi") == ["%%llm --model=zippy"]
        assert matches(zippy, "%%llm --compare a,zi") == ["%%llm --compare a,zippy"]
        assert "%llm_config --alias x zippy" in matches(zippy, "%llm_config --alias x ")
        assert not matches(zippy, "%llm_config --alias zi")
        assert len(server.exchanges) == exchanges, "nothing is asked"

    def test_what_fits_behind_the_other_flags(self, offline: Kernel) -> None:
        offline.run(
            "import pathlib, json; d = pathlib.Path('llm_snippets'); d.mkdir(exist_ok=True)\n"
            "(d / 'tab_snip.md').write_text('{{ tab_hole }}')\n"
            "pathlib.Path('tab file.csv').write_text('a')\n"
            "pathlib.Path('tab.mcp.json').write_text("
            "json.dumps({'mcpServers': {'tabserver': {'command': 'true'}}}))\n"
            "def tab_function(x): 'Find.'\n"
            "from pydantic import BaseModel\nclass TabModel(BaseModel): x: int\n"
            "tab_schema = {'type': 'object'}; tab_text = 'a'; tab_number = 1\n"
            "%llm_history --new tab_chat\n%llm_config --mcp tab.mcp.json"
        )
        expected = {
            "--persona ters": ["--persona terse"],
            "--snippet tab": ["--snippet tab_snip"],
            "--snippet tab_snip --set t": ["--snippet tab_snip --set tab_hole="],
            "--model openai/gpt-6-l": ["--model openai/gpt-6-luna"],
            "--chat tab": ["--chat tab_chat"],
            "--tool tab_f": ["--tool tab_function"],
            "--tool mcp:": ["--tool mcp:tabserver"],
            "--tool web": ["--tool web"],
            "--rag tab_f": ["--rag tab_function"],
            "--attach tab_n": ["--attach tab_number"],
            "--attach 'tab f": ["--attach 'tab file.csv"],
            "--attach llm_snippets/": ["--attach llm_snippets/tab_snip.md"],
            "--schema tab": ["--schema tab_schema"],
            "--schema Tab": ["--schema TabModel"],
            "--out tab": ["--out tab_text"],
            "--effort hi": ["--effort high"],
        }
        found = {flags: matches(offline, f"%%llm {flags}") for flags in expected}
        assert found == {
            flags: [f"%%llm {text}" for text in texts] for flags, texts in expected.items()
        }
        assert matches(offline, "%llm_config --rules T") == ["%llm_config --rules True"]

    def test_where_nothing_fits_no_name_of_python_is_offered(self, offline: Kernel) -> None:
        offline.run("fitting_name = 1")
        for line in ("--tool fit", "--model fit", "-s fit", "--persona i", "--fit"):
            assert complete(offline, f"%%llm {line}")["matches"] == []

    def test_a_damaged_file_and_a_strange_line_are_no_error(self, offline: Kernel) -> None:
        offline.run("pathlib.Path('.cellmage_models.yml').write_text('- a')")
        for line in ("--model g", "--attach nowhere/x", "--snippet no --set ", "'", '-s "a', "-"):
            assert complete(offline, f"%%llm {line}")["status"] == "ok"
        offline.run("pathlib.Path('.cellmage_models.yml').unlink()")


def test_unloading_removes_the_matcher(offline: Kernel) -> None:
    names = (
        "[getattr(m, 'matcher_identifier', '') for m in get_ipython().Completer.custom_matchers]"
    )
    count = f"{names}.count('cellmage')"
    offline.run("%reload_ext cellmage")
    assert offline.value(count) == 1
    offline.run("%unload_ext cellmage")
    assert offline.value(count) == 0
    assert "--model" not in complete(offline, "%%llm --")["matches"]
