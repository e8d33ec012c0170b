"""Tools in a notebook: asked for at the keyboard, shown as they run, and interrupted."""

from __future__ import annotations

import pytest

from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.kernel.client import Kernel, Run

WEATHER = (
    "import time, threading\n"
    "def weather(city: str) -> str:\n"
    "    'The weather in a city.'\n"
    "    print(threading.current_thread().name)\n"
    "    return f'rain in <{city}>'"
)
ASK = "%%llm --tool weather\nHow is it in Oslo?"


def play(
    server: ScriptedServer, name: str = "weather", arguments: str = '{"city": "Oslo"}'
) -> None:
    first = Reply(
        [chunk("Let me **see**."), tool_call(name, arguments), finish("tool_calls"), DONE]
    )
    server.play_each([first, Reply(answer("It *rains*."))] * 4)


def run_and_answer(kernel: Kernel, code: str, reply: str) -> tuple[Run, str]:
    """Run a cell whose question at the keyboard is answered so."""
    msg_id = kernel.start(code)
    prompt = kernel.client.get_stdin_msg(timeout=20)["content"]["prompt"]
    kernel.client.input(reply)
    return kernel.finish(msg_id), prompt


def test_asks_before_it_runs(kernel: Kernel, server: ScriptedServer) -> None:
    kernel.run(WEATHER)
    play(server)
    run, prompt = run_and_answer(kernel, ASK, "y")
    assert prompt == 'Run weather(city="Oslo")? [y/N] '
    assert run.printed.strip().endswith("MainThread")
    running = [frame.markdown for frame in run.frames if "weather(" in frame.markdown]
    assert "…</code></summary></details>" in running[0]
    summary = "weather(city=&quot;Oslo&quot;) → rain in &lt;Oslo&gt;"
    assert run.outputs[0]["data"] == {
        "text/markdown": "Let me **see**.\n\n<details><summary><code>" + summary
        + "</code></summary><pre>rain in &lt;Oslo&gt;</pre></details>\n\nIt *rains*.",
        "text/plain": "Let me **see**.It *rains*.",
    }  # fmt: skip
    assert kernel.value("_llm.final_text") == "It *rains*."
    markdown = kernel.run("%llm_history --show 1").outputs[0]["data"]["text/markdown"]
    assert summary in markdown
    assert "→ rain in <Oslo>" in kernel.run("%llm_history --verbose").printed
    assert "Let me **see**. It *" in kernel.run("%llm_history").printed


def test_refused(kernel: Kernel, server: ScriptedServer) -> None:
    kernel.run(WEATHER)
    play(server)
    run, _ = run_and_answer(kernel, ASK, "no")
    assert run.ok
    assert server.last.body["messages"][-1]["content"] == "refused by the user"


@pytest.mark.parametrize(
    ("second", "result"), [("y", "rain in <Oslo>"), ("?", "refused by the user")]
)
def test_an_unclear_answer_is_asked_for_once_more(
    kernel: Kernel, server: ScriptedServer, second: str, result: str
) -> None:
    kernel.run(WEATHER)
    play(server)
    msg_id = kernel.start(ASK)
    kernel.client.get_stdin_msg(timeout=20)
    kernel.client.input("what?")
    prompt = kernel.client.get_stdin_msg(timeout=20)["content"]["prompt"]
    assert prompt == 'Type y or n. Run weather(city="Oslo")? [y/N] '
    kernel.client.input(second)
    assert kernel.finish(msg_id).ok
    assert server.last.body["messages"][-1]["content"] == result


def test_without_asking(kernel: Kernel, server: ScriptedServer) -> None:
    kernel.run(WEATHER)
    play(server)
    assert kernel.run("%%llm --tool weather --auto-approve\nGo", allow_stdin=False).ok
    assert server.last.body["messages"][-1]["content"] == "rain in <Oslo>"


def test_nobody_to_ask(kernel: Kernel, server: ScriptedServer) -> None:
    """nbclient, papermill and Voila send no stdin: the call is refused, and the run goes on."""
    kernel.run(WEATHER)
    play(server)
    run = kernel.run(ASK, allow_stdin=False)
    assert run.ok
    assert "refused: nobody to ask" in run.outputs[0]["data"]["text/markdown"]
    assert server.last.body["messages"][-1]["content"] == "refused: nobody to ask"


def test_interrupted_while_it_runs(kernel: Kernel, server: ScriptedServer) -> None:
    kernel.run("import time\ndef nap():\n    time.sleep(60)")
    play(server, "nap", "{}")
    msg_id = kernel.start("%%llm --tool nap --auto-approve\nGo", "c1")
    run = kernel.collect(msg_id, Run(), until="nap()")
    kernel.interrupt()
    run = kernel.finish(msg_id, run)
    assert "KeyboardInterrupt: stopped by you" in run.error
    last = run.outputs[0]["data"]["text/markdown"]
    assert "nap() → cancelled" in last
    assert "▌" not in last
    assert kernel.value("[(c.name, c.result) for r in _llm.steps for c in r.calls]") == [
        ("nap", "cancelled: it was not run to its end")
    ]
    server.play(*answer("Fine."))
    assert kernel.run("%%llm\nAnd now?", "c2").ok
    assert [role for role, _ in server.last.messages] == ["user", "assistant", "tool", "user"]


def test_no_such_function(kernel: Kernel) -> None:
    run = kernel.run("%%llm --tool nothing\nGo")
    assert (
        run.error
        == "UsageError: --tool nothing: there is no such function; define it, with a docstring"
    )


def test_functions_of_functions(kernel: Kernel, server: ScriptedServer) -> None:
    """A tool may be a local variable of the function that asks; a dry run shows it."""
    play(server, "inner", "{}")
    code = (
        "def outer():\n    def inner():\n        'Within.'\n        return 'within'\n"
        "    %llm --tool inner --auto-approve Go\nouter()"
    )
    assert kernel.run(code).ok
    assert server.last.body["messages"][-1]["content"] == "within"
    printed = kernel.run(
        "def inner():\n    'Outside.'\n\n%llm --tool inner --rag inner --dry-run Go"
    ).printed
    assert "tool: inner" in printed
    assert "searched first: inner" in printed
    assert "models: a, b" in kernel.run("%llm --compare a,b --dry-run Go").printed


def test_a_value_after_tools(kernel: Kernel, server: ScriptedServer) -> None:
    """With --json the value is what comes after the tools."""
    kernel.run(WEATHER)
    first = Reply(
        [chunk("Well… "), tool_call("weather", '{"city": "Oslo"}'), finish("tool_calls"), DONE]
    )
    server.play_each([first, Reply(answer('{"sky": "rain"}', 4))])
    run = kernel.run("%%llm --json --out value --tool weather --auto-approve\nGo")
    assert kernel.value("value") == {"sky": "rain"}
    assert "| sky | rain |" in run.outputs[0]["data"]["text/markdown"]
    assert "weather(" in run.outputs[0]["data"]["text/markdown"]


def test_a_long_call_is_printed_whole_when_asked_for(
    kernel: Kernel, server: ScriptedServer
) -> None:
    kernel.run(WEATHER)
    play(server, arguments='{"city": "' + "O" * 5_000 + '\\u3164\\u001b[2J"}')
    msg_id = kernel.start(ASK)
    prompt = kernel.client.get_stdin_msg(timeout=20)["content"]["prompt"]
    assert prompt.endswith("more characters))? [y/N, a prints all] ")
    assert len(prompt) < 800
    kernel.client.input("a")
    assert kernel.client.get_stdin_msg(timeout=20)["content"]["prompt"] == prompt
    kernel.client.input("y")
    run = kernel.finish(msg_id)
    assert f'weather(city="{"O" * 5_000}\\u3164\\u001b[2J")\n' in run.printed
    assert server.last.body["messages"][-1]["content"].startswith("rain in <OOO")
