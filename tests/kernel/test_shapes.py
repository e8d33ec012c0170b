"""Answers that are values: a table that fills, and a checked object."""

from __future__ import annotations

from markdown_it import MarkdownIt

from cellmage.display.tables import markdown_table
from cellmage.testing import DONE, Reply, ScriptedServer, answer, chunk, finish, usage
from tests.kernel.client import Kernel

TRIP = "import pydantic\nclass Trip(pydantic.BaseModel):\n    city: str\n    days: int"


def play(server: ScriptedServer, text: str, size: int = 6, wait: float = 0.08) -> None:
    pieces = [text[index : index + size] for index in range(0, len(text), size)]
    server.play(*[step for piece in pieces for step in (chunk(piece), wait)], finish(), DONE)


def test_a_model_fills_as_a_table(kernel: Kernel, server: ScriptedServer) -> None:
    kernel.run(TRIP)
    play(server, '{"city": "Paris", "days": 3}')
    run = kernel.run("%%llm --schema Trip --out trip\nWhere to?")
    frames = [frame.markdown for frame in run.frames if "field" in frame.markdown]
    assert len(frames) > 2
    assert frames[-1].splitlines()[2:] == ["| city | Paris |", "| days | 3 |"]
    assert any("Par" in frame and "days" not in frame for frame in frames)
    assert kernel.value("(type(trip).__name__, trip.city, trip.days)") == ("Trip", "Paris", 3)
    assert run.texts == ['{"city": "Paris", "days": 3}']
    response_format = server.last.body["response_format"]
    assert response_format["json_schema"]["name"] == "Trip"
    assert set(response_format["json_schema"]["schema"]["properties"]) == {"city", "days"}


def test_any_json(kernel: Kernel, server: ScriptedServer) -> None:
    play(server, '```json\n[{"n": 1}, {"n": 2}]\n```', wait=0)
    assert kernel.run("%%llm --json --out value\nList").ok
    assert kernel.value("value") == [{"n": 1}, {"n": 2}]
    assert server.last.body["response_format"] == {"type": "json_object"}


def test_json_as_models_write_it(kernel: Kernel, server: ScriptedServer) -> None:
    """Read leniently at the end: the table and the variable have it, and a line says so."""
    play(server, "Sure!\n```bash\nls\n```\n{'city': 'Rio', # c\n 'sunny': True}", wait=0)
    run = kernel.run("%%llm --json --out value\nGo")
    assert kernel.value("value") == {"city": "Rio", "sunny": True}
    assert "| sunny | true |" in str(run.outputs)
    (notice,) = kernel.value("_llm.notices")
    assert notice == (
        "The answer is not plain JSON; it was read with: text around the value, other quotes, "
        "comments, Python's words."
    )
    assert notice in str(run.outputs)


def test_what_does_not_fit_fails_the_cell(kernel: Kernel, server: ScriptedServer) -> None:
    kernel.run(TRIP)
    play(server, '{"city": "Paris"}', wait=0)
    run = kernel.run("trip = 'old'\n%llm --schema Trip --out trip --repair 0 Where to?")
    assert len(server.exchanges) == 1
    assert run.error.startswith("OutputValidationError: the answer does not fit Trip: ")
    assert kernel.value("trip") == "old"
    play(server, "I would rather not.", wait=0)
    run = kernel.run("%%llm --json --out trip --repair 0\nGo")
    assert run.error.startswith(
        "OutputValidationError: the answer is not the JSON that was asked for"
    )
    assert run.texts == ["I would rather not."]


def test_an_answer_that_does_not_fit_is_repaired(kernel: Kernel, server: ScriptedServer) -> None:
    """The answer is the second one; the turn is one, and its tokens are those of both."""
    texts = ['{"city": "Paris"}', '{"city": "Paris", "days": 3}']
    server.play_each([Reply([*answer(text)[:-1], usage(5, 7), DONE]) for text in texts])
    kernel.run(TRIP)
    run = kernel.run("%%llm --schema Trip --out trip\nWhere to?")
    assert kernel.value("(trip.city, trip.days)") == ("Paris", 3)
    notice = "The model was asked twice: the answer does not fit Trip: days: Field required"
    assert run.texts == [texts[1], f"({notice})"]
    assert kernel.value("(_llm.text, _llm.usage.input_tokens, _llm.usage.output_tokens)") == (
        texts[1], 10, 14,
    )  # fmt: skip
    (_, question), (_, first), (_, problem) = server.last.messages
    assert (question, first) == ("Where to?", texts[0])
    assert "days" in problem
    server.play(*answer("fine"))
    kernel.run("%llm And then?")
    assert [content for _, content in server.last.messages] == ["Where to?", texts[1], "And then?"]


def test_an_answer_is_repaired_once(kernel: Kernel, server: ScriptedServer) -> None:
    kernel.run(TRIP)
    server.play(*answer('{"city": "Paris"}'))
    run = kernel.run("%%llm --schema Trip\nWhere to?")
    assert run.error.startswith("OutputValidationError: the answer does not fit Trip: ")
    assert len(server.exchanges) == 2
    kernel.run("%llm_config --repair 0")
    assert not kernel.run("%%llm --json\nWhere to?").error
    assert not kernel.run("%%llm --schema Trip\nWhere to?").ok
    assert len(server.exchanges) == 4


def test_no_such_schema(kernel: Kernel, server: ScriptedServer) -> None:
    run = kernel.run("%llm --schema Nowhere hi")
    assert run.error.startswith(
        "UsageError: --schema Nowhere: Nowhere is not defined; give the name"
    )
    assert not server.exchanges


def test_values_are_text_in_a_table() -> None:
    evil = {"<img src=x onerror=alert(1)>": "![x](http://evil.example/x) | `code`\n\n# head"}
    html = MarkdownIt("commonmark").enable("table").render(markdown_table(evil))
    assert "<img" not in html
    assert "<h1" not in html
    assert "<code" not in html
    assert html.count("<td>") == 2


def test_a_dollar_begins_no_formula() -> None:
    table = markdown_table([{"price": "$3 or $4"}])
    assert "| <span>&#36;</span>3 or <span>&#36;</span>4 |" in table


def test_a_list_in_a_cell_is_a_table_within(kernel: Kernel, server: ScriptedServer) -> None:
    play(server, '{"trip": [{"city": "<b>", "days": [1, 2]}, {"city": "Rio"}]}', wait=0)
    (output,) = kernel.run("%%llm --json\nGo").outputs
    days = "<table><tr><td>1</td></tr><tr><td>2</td></tr></table>"
    assert output["data"]["text/markdown"].splitlines()[-1] == (
        "| trip | <table><tr><th>city</th><th>days</th></tr>"
        f"<tr><td>&#60;b&#62;</td><td>{days}</td></tr><tr><td>Rio</td><td></td></tr></table> |"
    )


def test_tables_within_are_bounded() -> None:
    deep: object = "end"
    for _ in range(50):
        deep = {"a": deep}
    assert markdown_table(deep).count("<table>") == 3
    assert "… and 80 more" in markdown_table({"a": list(range(100))})
    assert len(markdown_table([{"a": 1}] * 300).splitlines()) == 204


def test_lines_of_a_text_are_lines_of_its_cell() -> None:
    assert "| a | 1. one<br>&#45; two |".replace("1.", "1&#46;") in markdown_table(
        {"a": "1. one\n- two"}
    )
