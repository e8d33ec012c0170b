"""`cellmage.map`: rows in, results out, in memory and in files; killed, stopped and resumed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas
import polars
import pyarrow
import pytest
from pydantic import BaseModel

import cellmage
from cellmage import ConfigError, UsageError
from cellmage.__main__ import main
from cellmage.batch.kept_answers import KeptAnswers
from cellmage.batch.output_files import read_output
from cellmage.batch.progress import Progress, TerminalLine, choose_show
from cellmage.batch.row_result import Counts
from cellmage.messages import Response
from cellmage.testing import Reply, ScriptedServer, answer
from tests.repetitions import FACTOR

ROWS = [{"word": "a", "n": 1}, {"word": "b", "n": 2}]


class City(BaseModel):
    name: str
    people: int


@pytest.mark.parametrize(
    "rows", [ROWS, pandas.DataFrame(ROWS), polars.DataFrame(ROWS), pyarrow.Table.from_pylist(ROWS)]
)
def test_rows_of_all_kinds(rows: Any) -> None:
    results = cellmage.map("{{ word }}{{ row.n }}", rows, model="offline/echo")
    assert results.values == ["a1", "b2"]
    assert [result.row["n"] for result in results] == [1, 2]


def test_a_function_makes_prompts() -> None:
    results = cellmage.map(lambda row: f"<{row}>", iter("ab"), model="offline/echo")
    assert results.values == ["<a>", "<b>"]


def test_a_prompt_that_cannot_be_made_is_the_error_of_its_row() -> None:
    results = cellmage.map("{{ row.word }}", [*ROWS, {"other": 1}], model="offline/echo")
    assert results.values == ["a", "b", None]
    assert "no field 'word'" in str(results.errors[2])
    results = cellmage.map(lambda row: 1 / row, [0], model="offline/echo")
    assert "ZeroDivisionError" in str(results.errors[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": "text"}, "the rows are a str"),
        ({"rows": {"a": 1}}, "the rows are a dict"),
        ({"concurrency": 0}, "concurrency"),
        ({"budget": -1}, "budget"),
        ({"engine": "spark"}, "engine"),
        ({"when": "later"}, "when"),
        ({"schema": 1}, "schema"),
        ({"out": "x.csv"}, ".jsonl"),
        ({"out": "no/x.jsonl"}, "cannot be written"),
        ({"temperatur": 1}, "temperature"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    named = {"model": "offline/echo", "rows": ROWS, **arguments}
    with pytest.raises(UsageError, match=message):
        cellmage.map("{{ word }}", named.pop("rows"), **named)


def test_a_model_without_a_key_asks_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("precious\n")
    with pytest.raises(ConfigError):
        cellmage.map("{{ word }}", ROWS, model="groq/llama", out=out)
    assert out.read_text() == "precious\n"


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_file_of_results(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    results = cellmage.map("{{ word }}", iter([*ROWS, {"n": 3}]), model="offline/echo", out=out)
    records = list(read_output(out))
    assert [record["answer"] for record in records] == ["a", "b", None]
    assert [record["n"] for record in records] == [1, 2, 3]
    assert records[2]["error"].startswith("usage: ")
    assert (len(results), results.counts.failed) == (3, 1)
    with pytest.raises(UsageError, match="out"):
        _ = results.values


def test_a_schema_gives_typed_columns(connected: ScriptedServer, tmp_path: Path) -> None:
    def reply(exchange: Any) -> Reply:
        word = exchange.messages[-1][1]
        text = '{"name": "Oslo", "people": 709037}' if word == "a" else '{"name": "Oslo"}'
        return Reply(answer(text))

    connected.play_with(reply)
    results = cellmage.map("{{ word }}", ROWS, model="m", schema=City)
    assert results.values == [City(name="Oslo", people=709037), None]
    assert results.errors[1].kind == "validation"
    frame = results.frame("pandas")
    assert dict(frame.dtypes.astype(str)) | {"word": ""} == {
        "word": "", "n": "int64", "name": "string", "people": "Int64", "error": "string",
    }  # fmt: skip
    assert results.frame("polars")["people"].to_list() == [709037, None]
    out = tmp_path / "out.parquet"
    cellmage.map("{{ word }}", ROWS, model="m", schema=City, out=out)
    assert [record["people"] for record in read_output(out)] == [709037, None]


def test_the_same_call_asks_nothing_again(connected: ScriptedServer) -> None:
    first = cellmage.map("{{ word }}", ROWS, model="m")
    again = cellmage.map("{{ word }}", ROWS, model="m")
    assert again.values == first.values
    assert [result.response.kept_from != "" for result in again if result.response] == [True] * 2
    assert again.counts.describe() == "2 of 2 rows, 2 answered before"
    assert len(connected.exchanges) == 2
    cellmage.map("{{ word }}", ROWS, model="m", resume=False)
    cellmage.map("{{ word }}", ROWS, model="m", temperature=0)
    assert len(connected.exchanges) == 6


def test_faults_lose_no_row(connected: ScriptedServer) -> None:
    """Real sockets: statuses, and streams that are cut."""
    seen: Counter[str] = Counter()

    def reply(exchange: Any) -> Reply:
        prompt = exchange.messages[-1][1]
        seen[prompt] += 1
        number = int(prompt.split()[-1])
        if seen[prompt] > 1 or number % 4 == 3:
            return Reply(answer(prompt))
        fields = [{"status": 429, "headers": {"retry-after": "0"}}, {"status": 500}]
        if number % 4 < 2:
            return Reply([b'{"error": {"message": "later"}}'], **fields[number % 4])
        return Reply(answer(prompt)[:1], end="truncate")

    connected.play_with(reply)
    results = cellmage.map("Row {{ item }}", range(12), model="m")
    assert results.values == [f"Row {n}" for n in range(12)]
    assert max(seen.values()) == 2


# A process that is killed or stopped.

SCRIPT = """
import sys, cellmage
cellmage.map("Row {{ item }}", range(%d), model="m", base_url=sys.argv[1], concurrency=4,
             out=sys.argv[2])
"""


def start(server: ScriptedServer, home: Path, count: int) -> subprocess.Popen[str]:
    environ = {**os.environ, "XDG_DATA_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", SCRIPT % count, server.url, str(home / "out.jsonl")]
    return subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)


def wait_for_requests(server: ScriptedServer, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(server.exchanges) < count:
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2 * FACTOR))
def test_a_killed_batch_asks_only_what_is_missing(
    server: ScriptedServer, tmp_path: Path, seed: int
) -> None:
    server.play(0.005, *answer("ok"))
    with start(server, tmp_path, 60) as process:
        wait_for_requests(server, random.Random(seed).randint(5, 50))
        process.kill()
    with start(server, tmp_path, 60) as process:
        assert process.wait(60) == 0
    asked = Counter(exchange.messages[-1][1] for exchange in server.exchanges)
    assert len(asked) == 60
    assert sum(times > 1 for times in asked.values()) <= 4
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["item"] for line in lines] == list(range(60))


def test_a_stop_keeps_what_is_done(server: ScriptedServer, tmp_path: Path) -> None:
    server.play(0.02, *answer("ok"))
    with start(server, tmp_path, 200) as process:
        wait_for_requests(server, 20)
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate(timeout=60)[1]
    assert 1 <= len((tmp_path / "out.jsonl").read_text().splitlines()) < 200


# What is kept.


def test_a_file_that_cannot_be_used_costs_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "batches.db"
    path.write_bytes(b"no database, but long enough to be looked at" * 100)
    with KeptAnswers(path) as kept:
        kept.add("k", 1, Response("a"))
        assert kept.find("k", 1) is None
        assert "batches.db" in kept.problem


def test_a_damaged_answer_is_asked_again(tmp_path: Path) -> None:
    with KeptAnswers(tmp_path / "b.db") as kept:
        kept.add("k", 1, Response("a", model="m"))
        assert kept.find("k", 1) is not None
        assert kept._connection is not None
        kept._connection.execute("UPDATE answers SET response = '{'")
        assert kept.find("k", 1) is None


# The progress, and the command.


def test_progress_is_shown_now_and_then() -> None:
    shown: list[str] = []
    times = iter([0.0, 10.0, 10.1, 10.3])
    progress = Progress(lambda line, done, total: shown.append(line), lambda: next(times))
    for done in (50, 60, 70):
        progress.update(Counts(100, done=done))
    progress.finish(Counts(100, done=100, failed=1))
    assert shown == [
        "50 of 100 rows, 10 s left",
        "70 of 100 rows, 4 s left",
        "100 of 100 rows, 1 failed",
    ]


def test_a_terminal_line_covers_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    line = TerminalLine()
    line.show("10 rows", 10, None)
    line.show("x", 11, None)
    assert capsys.readouterr().err == "\r10 rows\rx      "


def test_nothing_is_shown_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    choose_show()("line", 1, 2)
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.jsonl"
    path.write_text('"Hello"\n\n{"prompt": "Two", "id": 7}\n')
    return path


def test_command(prompts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = prompts.with_name("answers.jsonl")
    command = ["map", str(prompts), "--out", str(out), "-m", "offline/echo"]
    assert main(command) == 0
    assert [record["answer"] for record in read_output(out)] == ["Hello", "Two"]
    assert "2 rows" in capsys.readouterr().err
    with prompts.open("a") as file:
        file.write("5\n")
    assert main(command) == 1
    assert "1 failed" in capsys.readouterr().err


def test_command_with_a_template(prompts: Path) -> None:
    prompts.write_text('{"a": 1}\n')
    out = prompts.with_name("answers.jsonl")
    command = ["map", str(prompts), "--out", str(out), "-m", "offline/echo"]
    assert main([*command, "--template", "Say {{ a }}"]) == 0
    assert next(read_output(out))["answer"] == "Say 1"


@pytest.mark.parametrize(
    ("text", "extra", "message"),
    [
        ("{", [], "line 1 is not JSON"),
        ('"a"\n', ["--schema", "none.json"], "none.json"),
        ('"a"\n', ["--budget", "-1"], "budget"),
        ('"a"\n', ["--max-tokens", "0"], "max_tokens"),
    ],
)
def test_command_with_errors(
    prompts: Path, text: str, extra: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts.write_text(text)
    out = prompts.with_name("answers.jsonl")
    assert main(["map", str(prompts), "--out", str(out), "-m", "offline/echo", *extra]) == 1
    assert message in capsys.readouterr().err


def test_command_does_not_write_over_its_prompts(
    prompts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["map", str(prompts), "--out", str(prompts)]) == 1
    assert "file of the prompts" in capsys.readouterr().err
