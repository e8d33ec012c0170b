"""Front ends without widgets, or whose messages wait for the end of a cell, such as Colab's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cellmage.testing import Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.kernel.client import Kernel, Run
from tests.kernel.plain_kernel import NO_SUBSHELLS, NO_WIDGETS
from tests.widgets.page import PanelPage

TEXT = "## Title\n\nSome **bold** text, $x^2$.\n\n```python\nprint(1)\n```\n"
ROAD = [chunk(reasoning="Hm."), *answer(TEXT, 7)]
WEATHER = '''def weather(city: str) -> str:
    """The weather in a city."""
    return f"rain in {city}"'''


@pytest.fixture(scope="module", params=[NO_WIDGETS, NO_SUBSHELLS])
def bare(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernel]:
    module = ("tests.kernel.plain_kernel", request.param)
    kernel = Kernel(tmp_path_factory.mktemp("home"), module=module)
    yield kernel
    kernel.close()


@pytest.fixture
def plain(bare: Kernel, server: ScriptedServer) -> Kernel:
    """Return the kernel; nothing is stored."""
    setup = f"%env OPENAI_BASE_URL={server.url}\n%env OPENAI_API_KEY=sk-test-0000"
    loaded = bare.run(f"{setup}\n%unload_ext cellmage\n%load_ext cellmage\n%llm_config --store off")
    assert loaded.ok, loaded.reply
    return bare


def ask(kernel: Kernel, server: ScriptedServer, line: str = "%%llm") -> Run:
    server.play(*ROAD)
    return kernel.run(f"{line}\nGo", "plain1")


def is_clean(run: Run) -> bool:
    """Return whether a cell has ended well, and has sent no widget and no error."""
    names = [message.content["name"] for message in run.of_type("stream")]
    return run.ok and "stderr" not in names and not run.of_type("comm_open")


def data_of(run: Run) -> list[object]:
    return [output["data"] for output in run.outputs]


def test_an_answer_is_the_same(plain: Kernel, kernel: Kernel, server: ScriptedServer) -> None:
    kernel.run("%llm_config --store off")
    expected, run = ask(kernel, server), ask(plain, server)
    assert is_clean(run)
    assert data_of(run) == data_of(expected)
    assert not run.printed


def test_a_comparison_arrives(plain: Kernel, server: ScriptedServer) -> None:
    run = ask(plain, server, "%%llm --compare a,b")
    assert is_clean(run)
    assert str(run.outputs).count("Some **bold** text") >= 2


def test_follow_says_why_it_has_no_effect(plain: Kernel, server: ScriptedServer) -> None:
    run = ask(plain, server, "%%llm --follow")
    assert is_clean(run)
    assert run.printed.startswith("--follow has no effect here")
    assert TEXT in run.texts


def test_a_tool_is_asked_about_at_the_keyboard(plain: Kernel, server: ScriptedServer) -> None:
    call = tool_call("weather", '{"city": "Oslo"}')
    server.play_each([Reply([call, finish("tool_calls")]), Reply(answer("It *rains*."))])
    plain.run(WEATHER)
    msg_id = plain.start("%%llm --tool weather\nHow is it?")
    prompt = plain.client.get_stdin_msg(timeout=20)["content"]["prompt"]
    assert prompt == 'Run weather(city="Oslo")? [y/N] '
    plain.client.input("y")
    run = plain.finish(msg_id)
    assert is_clean(run)
    assert "It *rains*." in run.texts[-1]


def test_an_answer_in_the_background_arrives(plain: Kernel, server: ScriptedServer) -> None:
    run = ask(plain, server, "%%llm --background")
    end = plain.run("print(_llm.result().text)", "plain2")
    assert is_clean(run)
    assert is_clean(end)
    assert end.printed == f"{TEXT}\n"


def test_the_panel_works_or_says_what_to_do(plain: Kernel, server: ScriptedServer) -> None:
    run = plain.run("%llm_chat", "plain3")
    if run.of_type("comm_open"):
        server.play(*ROAD)
        panel = PanelPage(plain, run)
        panel.send("show")
        panel.until(lambda: "a click waits" in panel.state["line"])
        panel.ask("Go")
        assert plain.value("_llm.text") == TEXT
    else:
        assert run.printed == "The chat panel needs anywidget; run: %pip install anywidget\n"
    assert run.ok
