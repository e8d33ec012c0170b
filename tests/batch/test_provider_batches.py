"""Rows as batches of OpenAI and Anthropic, over HTTP on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cellmage.batch.map import map_rows
from cellmage.batch.provider_batches import BatchJob, Waits, apis
from cellmage.errors import CellmageError, UsageError
from cellmage.recording import REPLAY, MemoryRecords, Recording
from cellmage.recording.process import use_recording
from tests.batch.provider_batches_server import Provider, serve_batches

APIS = ["chat", "responses", "messages"]
FAST = Waits(0.01, 0.05)
ROWS = [{"word": word} for word in ("one", "two", "three", "two")]
PROMPTS = ["Say one", "Say two", "Say three", "Say two"]
UPLOADS = {"chat": "/v1/batches", "responses": "/v1/batches", "messages": "/v1/messages/batches"}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """Return a running provider, whose key is set."""
    with serve_batches() as provider:
        monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0000001234")
        yield provider


def submit(api: str, rows: Any = ROWS, **options: Any) -> BatchJob:
    job: BatchJob = map_rows(
        "Say {{ word }}", rows, model="gpt-4o", api=api, when="cheap", **options
    )
    job.waits = FAST
    return job


@pytest.mark.parametrize("api", APIS)
def test_results_in_another_order_are_in_the_order_of_the_rows(
    provider: Provider, api: str
) -> None:
    results = submit(api).result()
    assert results.values == [f"re: {prompt}" for prompt in PROMPTS]
    assert provider.count("POST", UPLOADS[api]) == 1


@pytest.mark.parametrize("api", APIS)
def test_rows_have_no_fields_of_streams_and_the_key_goes_along(
    provider: Provider, api: str
) -> None:
    submit(api, temperature=0.5)
    (batch,) = provider.batches.values()
    bodies = [row.get("body") or row["params"] for row in batch["rows"]]
    assert all(body["model"] == "gpt-4o" and body["temperature"] == 0.5 for body in bodies)
    assert not any({"stream", "stream_options", "extra_body"} & body.keys() for body in bodies)
    assert len({row["custom_id"] for row in batch["rows"]}) == len(ROWS)
    name = "x-api-key" if api == "messages" else "authorization"
    assert all("sk-test-0000001234" in headers[name] for *_, headers in provider.requests)


@pytest.mark.parametrize("api", APIS)
def test_failed_and_expired_rows_are_errors_that_the_next_call_asks(
    provider: Provider, api: str
) -> None:
    provider.fates = {"Say one": "bad", "Say three": "expired"}
    results = submit(api).result()
    assert results.values == [None, "re: Say two", None, "re: Say two"]
    assert list(results.errors) == [0, 2]
    assert "expired" in str(results.errors[2])
    provider.fates = {}
    asked = len(provider.prompts)
    assert submit(api).result().values == [f"re: {prompt}" for prompt in PROMPTS]
    assert provider.prompts[asked:] == ["Say one", "Say three"]


@pytest.mark.parametrize("api", APIS)
def test_the_same_call_takes_up_its_batch(provider: Provider, api: str) -> None:
    provider.is_finished = False
    assert not submit(api).fetch().errors
    provider.is_finished = True
    job = submit(api, rows=[*ROWS, {"word": "four"}])
    assert job.result().values[-1] == "re: Say four"
    assert provider.prompts == [*PROMPTS, "Say four"]
    kept = submit(api)
    assert kept.is_done
    assert kept.result().counts.kept == len(ROWS)


@pytest.mark.parametrize("api", APIS)
def test_a_batch_whose_upload_had_no_reply_is_found(provider: Provider, api: str) -> None:
    provider.faults[f"POST {UPLOADS[api]}"] = [(0, {})] * 2
    provider.is_finished = False
    for n in range(3):  # batches of others, on more than one page
        provider.batches[f"other{n}"] = {"id": f"other{n}", "rows": [], "metadata": None}
    with pytest.raises(CellmageError):
        submit(api)
    uploaded = provider.prompts
    job = submit(api)
    provider.is_finished = True
    assert job.result().values == [f"re: {prompt}" for prompt in PROMPTS]
    assert provider.prompts == uploaded


def test_a_file_whose_batch_was_not_started_is_not_uploaded_again(provider: Provider) -> None:
    provider.faults["POST /v1/batches"] = [(0, {})]
    with pytest.raises(CellmageError):
        submit("chat")
    provider.batches.clear()
    assert submit("chat").result().values[0] == "re: Say one"
    assert provider.count("POST", "/v1/files") == 1


def test_a_message_batch_of_another_program_is_not_taken_for_ours(provider: Provider) -> None:
    provider.faults["POST /v1/messages/batches"] = [(500, {})]
    with pytest.raises(CellmageError):
        submit("messages")
    (batch,) = provider.batches.values()
    for row in batch["rows"]:
        row["custom_id"] = "x-" + row["custom_id"]
    provider.is_finished = False
    job = submit("messages")  # under way it may be ours
    assert provider.count("POST", "/v1/messages/batches") == 1
    provider.is_finished = True
    assert len(job.result().errors) == len(ROWS)
    assert submit("messages").result().values == [f"re: {prompt}" for prompt in PROMPTS]


def test_the_right_one_of_two_message_batches_is_found(provider: Provider) -> None:
    provider.faults["POST /v1/messages/batches"] = [(0, {})]
    provider.is_finished = False
    with pytest.raises(CellmageError):
        submit("messages")
    ours = provider.prompts
    (batch,) = provider.batches.values()
    rows = [{**row, "custom_id": f"x{n}"} for n, row in enumerate(batch["rows"])]
    provider.batches["newer"] = {"id": "newer", "rows": rows}
    job = submit("messages")
    provider.is_finished = True
    assert job.result().values == [f"re: {prompt}" for prompt in PROMPTS]
    assert len(provider.prompts) == 2 * len(ours)


def test_a_refused_upload_leaves_nothing_behind(provider: Provider) -> None:
    provider.faults["POST /v1/files"] = [(400, {})]
    with pytest.raises(CellmageError, match="HTTP 400"):
        submit("chat")
    assert submit("chat").result().values[0] == "re: Say one"


@pytest.mark.slow
def test_a_killed_kernel_leaves_its_batch_to_the_next_one(provider: Provider) -> None:
    provider.is_finished = False
    code = (
        "import os, signal\n"
        "from cellmage.batch.map import map_rows\n"
        f"rows = {ROWS!r}\n"
        "map_rows('Say {{ word }}', rows, model='gpt-4o', api='responses', when='cheap')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ}, capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    provider.is_finished = True
    assert submit("responses").result().values == [f"re: {prompt}" for prompt in PROMPTS]
    assert provider.count("POST", "/v1/batches") == 1


@pytest.mark.parametrize("fault", [(429, {"retry-after": "0.01"}), (500, {}), (0, {})])
def test_a_look_that_fails_for_now_is_repeated(
    provider: Provider, fault: tuple[int, dict[str, str]]
) -> None:
    job = submit("responses")
    provider.faults["GET /v1/batches/batch_0"] = [fault] * 2
    assert job.result().values[0] == "re: Say one"


def test_a_refused_key_ends_the_wait(provider: Provider) -> None:
    job = submit("responses")
    provider.faults["GET /v1/batches/batch_0"] = [(401, {})]
    with pytest.raises(CellmageError) as raised:
        job.result()
    assert raised.value.kind == "auth"
    assert "sk-test" not in str(raised.value)
    assert job.result().values[0] == "re: Say one"


@pytest.mark.parametrize("api", APIS)
def test_a_cancelled_job_has_errors(provider: Provider, api: str) -> None:
    provider.is_finished = False
    job = submit(api)
    job.cancel()
    results = job.result()
    assert "cancelled" in str(results.errors[0])
    assert len(results.errors) == len(ROWS)


def test_a_job_can_be_awaited(provider: Provider) -> None:
    job = submit("messages")

    async def wait() -> Any:
        return await job

    assert asyncio.run(wait()).values[0] == "re: Say one"


def test_answers_cost_half(provider: Provider) -> None:
    job = submit("responses")
    object.__setattr__(job._target.provider, "name", "api.openai.com")
    full = Decimal("0.0035")  # 1000 and 100 tokens of gpt-4o
    assert job.result().cost == full * len(ROWS) / 2


def test_rows_are_split_by_the_limits(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apis.OpenAIBatches, "max_rows", 3)
    assert submit("chat").result().values == [f"re: {prompt}" for prompt in PROMPTS]
    assert [len(batch["rows"]) for batch in provider.batches.values()] == [3, 1]
    monkeypatch.setattr(apis.OpenAIBatches, "max_bytes", 1)
    submit("chat", rows=[{"word": "x"}, {"word": "y"}])
    assert [len(batch["rows"]) for batch in provider.batches.values()] == [3, 1, 1, 1]


def test_values_of_a_schema_and_a_file(provider: Provider, tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    path = tmp_path / "out.jsonl"
    results = submit("responses", schema=schema, out=path).result()
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(lines) == len(results) == len(ROWS)
    assert all(line["n"] is None and "validation" in line["error"] for line in lines)
    (batch,) = provider.batches.values()
    assert batch["rows"][0]["body"]["text"]["format"]["type"] == "json_schema"


def test_a_prompt_with_a_key_is_not_sent(provider: Provider) -> None:
    results = submit("chat", rows=[{"word": "sk-test-0000001234"}, {"word": "one"}]).result()
    assert list(results.errors) == [0]
    assert provider.prompts == ["Say one"]


@pytest.mark.parametrize("model", ["ollama/llama3.2", "offline/echo"])
def test_a_model_without_a_batch_endpoint_is_refused(model: str) -> None:
    with pytest.raises(UsageError, match='use `when="now"`'):
        map_rows("Say {{ word }}", ROWS, model=model, when="cheap")


def test_a_budget_is_refused(provider: Provider) -> None:
    with pytest.raises(UsageError, match="cannot stop it"):
        submit("chat", budget=1.0)
    assert not provider.requests


def test_a_job_says_how_far_it_is(provider: Provider) -> None:
    provider.is_finished = False
    job = submit("responses")
    job.fetch()
    assert "0 of 4 rows, in progress at 127.0.0.1" in job.status
    provider.is_finished = True
    job.result()
    assert job.status.startswith("4 of 4 rows")
    assert job.status.endswith("done")


def test_an_interrupt_leaves_the_batch_and_says_how_to_go_on(
    provider: Provider, capfd: pytest.CaptureFixture[str]
) -> None:
    provider.is_finished = False
    job = submit("responses")
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        job.result()
    assert "job.cancel() ends them" in capfd.readouterr().err
    assert provider.count("POST", "/v1/batches/batch_0/cancel") == 0
    provider.is_finished = True
    assert job.result().values[0] == "re: Say one"


def test_two_kernels_wait_for_one_batch(provider: Provider) -> None:
    provider.is_finished = False
    jobs = [submit("messages"), submit("messages")]
    provider.is_finished = True
    values = [job.result().values for job in jobs]
    assert values == [[f"re: {prompt}" for prompt in PROMPTS]] * 2
    assert len(provider.prompts) == len(PROMPTS)


def test_a_batch_of_ours_is_not_taken_for_another_one(provider: Provider) -> None:
    provider.is_finished = False
    submit("messages")
    provider.faults["POST /v1/messages/batches"] = [(0, {})]
    others = [{"word": f"w{n}"} for n in range(len(ROWS))]
    with pytest.raises(CellmageError):
        submit("messages", rows=others)
    provider.batches.popitem()  # it did not arrive
    job = submit("messages", rows=others)
    provider.is_finished = True
    assert job.result().values == [f"re: Say w{n}" for n in range(len(ROWS))]


def test_nothing_is_sent_while_answers_are_replayed(provider: Provider) -> None:
    with (
        use_recording(Recording(MemoryRecords(), REPLAY)),
        pytest.raises(UsageError, match="a recording is in force"),
    ):
        submit("chat")
    assert not provider.requests
