"""Answers side by side in a cell, and when a streamed one is seen."""

from __future__ import annotations

from cellmage.testing import (
    DONE,
    Exchange,
    Reply,
    ScriptedServer,
    answer,
    chunk,
    finish,
    usage,
)
from tests.kernel.client import Kernel, Run


def reply(exchange: Exchange) -> Reply:
    slow = [step for word in ("*one* ", "two ", "three") for step in (chunk(word), 0.15)]
    return {
        "slowly": Reply([*slow, finish(), usage(10, 20), DONE]),
        "quick": Reply(answer("Quick: ```x", 3)),
        "fence": Reply(answer("```py\nprint(1)", 5)),
        "cut": Reply([chunk("Half")], end="reset"),
        "held": Reply([chunk("Held")], end="hang"),
    }[exchange.body["model"]]


def test_side_by_side(kernel: Kernel, server: ScriptedServer) -> None:
    server.play_with(reply)
    run = kernel.run("%%llm --compare slowly,fence --out text\nGo", "c1")
    columns, table = (output["data"] for output in run.outputs)
    live = [frame.markdown for frame in run.frames if "▌" in frame.markdown]
    assert len(live) > 1
    assert "**slowly**\n\n*one* two three\n\n</div>" in columns["text/markdown"]
    assert "print(1)\n```\n\n</div>" in columns["text/markdown"], "a fence that ends"
    assert columns["text/plain"] == "slowly:\n\n*one* two three\n\nfence:\n\n```py\nprint(1)"
    assert "| 10 | 20 |" in table["text/markdown"]
    head = table["text/markdown"].splitlines()[0]
    assert head.startswith("| model | kept | first token | duration |")
    assert "cost" not in head, "a column without a value is left out"
    assert kernel.value("text") == "*one* two three"
    number = run.of_type("execute_input")[0].content["execution_count"]
    assert f"1     In[{number}] " in kernel.run("%llm_history").printed


def test_unwatched_it_is_one_output(kernel: Kernel, server: ScriptedServer) -> None:
    server.play_with(reply)
    run = kernel.run("%%llm --compare quick,fence --select fence\nGo", allow_stdin=False)
    (output,) = run.outputs
    assert "| model |" in output["data"]["text/markdown"]
    assert output["metadata"]["cellmage"]["text"] == "```py\nprint(1)"


def test_failures(kernel: Kernel, server: ScriptedServer) -> None:
    """The cell fails with the answer that is kept; others fail in their column."""
    server.play_with(reply)
    run = kernel.run("%%llm --compare quick,cut\nGo")
    assert run.ok
    assert "*IncompleteResponseError: cut at" in run.outputs[0]["data"]["text/markdown"]
    run = kernel.run("%%llm --compare cut,quick\nGo")
    assert run.error.startswith("IncompleteResponseError: cut at")
    assert "Quick" in run.outputs[0]["data"]["text/markdown"]
    run = kernel.run("%%llm --compare cut,quick --on-error show\nGo")
    assert run.ok
    assert run.printed.startswith("IncompleteResponseError: cut at")


def test_interrupted(kernel: Kernel, server: ScriptedServer) -> None:
    server.play_with(reply)
    msg_id = kernel.start("%%llm --compare held,quick\nGo")
    run = kernel.collect(msg_id, Run(), until="Held")
    kernel.interrupt()
    run = kernel.finish(msg_id, run)
    assert (
        run.error == "KeyboardInterrupt: stopped by you; 4 characters are kept as a partial answer"
    )
    assert "*stopped: interrupted*" in run.outputs[0]["data"]["text/markdown"]
    assert all(exchange.finished.wait(20) for exchange in server.exchanges)


def test_what_does_not_go_together(kernel: Kernel) -> None:
    for flags, message in {
        "--compare a,b --json": "--compare does not go with --json",
        "--compare a,b --model c": "--compare does not go with --model",
        "--compare a,b --tool f": "--compare does not go with --tool",
        "--select a": "--select names one of the models",
        "--compare a": "give several models",
        "--compare a,b --select c": "c cannot be selected",
        "--continue --tool f": "--continue does not go with --tool",
    }.items():
        assert message in kernel.run(f"%%llm {flags}\nGo").error


def test_latency(kernel: Kernel, server: ScriptedServer) -> None:
    server.play_with(reply)
    run = kernel.run("%llm_compare --latency -m slowly,quick Is it quick?")
    printed = run.printed.splitlines()
    table = next(index for index, line in enumerate(printed) if line.startswith("model "))
    assert [line for line in printed[:table] if line.endswith(("streamed:", "complete:"))] == [
        "slowly, streamed:", "slowly, complete:", "quick, streamed:", "quick, complete:",
    ]  # fmt: skip
    head, *lines = printed[table:]
    assert head.split()[:4] == ["model", "mode", "seen", "after"]
    assert "cost" not in head, "no price is known"
    modes = [tuple(line.split()[:2]) for line in lines]
    assert modes == [
        ("slowly", "streamed"), ("slowly", "complete"),
        ("quick", "streamed"), ("quick", "complete"),
    ]  # fmt: skip
    delays = [float(line.split()[2]) for line in lines]
    assert delays[0] < delays[1]
    assert server.last.messages == [("user", "Is it quick?")]
    assert [output["data"]["text/plain"] for output in run.outputs][:2] == ["*one* two three"] * 2
    assert "No turns yet" in kernel.run("%llm_history").printed
    assert "%%llm --compare" in kernel.run("%llm_compare Go").error


def test_on_error_show(kernel: Kernel, server: ScriptedServer) -> None:
    server.play_with(reply)
    run = kernel.run("%%llm -m cut --on-error show --out text\nGo")
    assert run.ok
    assert "the connection was lost" in run.printed
    assert kernel.value("(text, _llm.incomplete_reason)") == ("Half", "connection_lost")
    assert not kernel.run("%%llm -m cut --on-error raise\nGo").ok


def test_latency_names_the_default_model(offline: Kernel) -> None:
    printed = offline.run("%llm_compare --latency Is it quick?").printed
    assert "offline/tour, streamed:" in printed
    assert "offline/tour, complete:" in printed
