"""What a recording does for one question: keep, ask, say why, continue, replay."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from cellmage import Conversation, Document, Options, ProviderError, Response
from cellmage.errors import ReplayError
from cellmage.events import Complete, Event, Notice, Start, Token, ToolCall
from cellmage.fingerprint import Fingerprint
from cellmage.messages import CONTINUE_PROMPT, Request
from cellmage.recording import (
    FRESH,
    KEEP,
    REPLAY,
    MemoryRecords,
    Recorder,
    Recording,
    use_recording,
)
from cellmage.turns import CellRef, Turn

A, B = CellRef("a", 0), CellRef("b", 0)


class Provider:
    """Answers with the number of the request; its requests are kept."""

    name = "numbers"

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.failure: Exception | None = None

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        self.requests.append(request)
        yield Start(request.options.model or "m", self.name)
        yield Token(f"answer {len(self.requests)}")
        if self.failure is not None:
            raise self.failure
        yield Complete("stop")


class Notebook:
    """Questions of cells in a process of their own; `restart` begins another one."""

    def __init__(self) -> None:
        self.provider = Provider()
        self.records = MemoryRecords()
        self.restart()

    def restart(self) -> None:
        self.recording = Recording(self.records, KEEP, lambda: date(2026, 11, 27))
        self.chat = Conversation(Options(model="m"), provider=self.provider)

    def ask(self, prompt: str, cell: CellRef | None = A, **named: Any) -> Response:
        fields = {name: named.pop(name) for name in tuple(named) if name in RECORDER_FIELDS}
        recorder = Recorder(self.recording, **fields)
        return self.chat.ask(prompt, cell=cell, recorder=recorder, **named)

    @property
    def count(self) -> int:
        return len(self.provider.requests)


RECORDER_FIELDS = ("values", "policy", "cell", "turn_names", "confirm", "before_ask")


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


def test_the_same_question_is_not_asked_again(notebook: Notebook) -> None:
    first = notebook.ask("Hi")
    notebook.restart()
    again = notebook.ask("Hi")
    assert (notebook.count, again.text, again.kept_from) == (1, first.text, "2026-11-27")
    assert len(notebook.chat.turns) == 1


def test_fresh_asks_and_its_answer_is_kept(notebook: Notebook) -> None:
    notebook.ask("Hi")
    assert notebook.ask("Hi", policy=FRESH).text == "answer 2"
    assert notebook.ask("Hi").text == "answer 2"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"temperature": 1}, "temperature: not set then, 1 now"),
        ({"model": "n"}, "the model was m"),
        ({"system": "Be brief."}, "the system prompt changed"),
        ({"prompt": "Hello"}, "the prompt changed"),
        ({"values": {"df": Fingerprint("2", "1 310 rows")}}, "df: 1 204 rows then, 1 310 now"),
        ({"values": {"df": Fingerprint("2", "1 204 rows")}}, "df changed"),
        ({"values": {}}, "df is gone"),
    ],
)
def test_a_stale_answer_says_what_changed(
    notebook: Notebook, change: dict[str, Any], reason: str
) -> None:
    named = {"prompt": "Hi", "values": {"df": Fingerprint("1", "1 204 rows")}}
    notebook.ask(**named)
    answer = notebook.ask(**(named | change))
    assert (answer.text, answer.notices) == ("answer 2", (f"asked again: {reason}",))
    assert notebook.ask(**(named | change)).notices == ()


def test_a_turn_before_that_changed_is_named(notebook: Notebook) -> None:
    notebook.ask("One", A)
    names = ["cell [3]"]
    notebook.ask("Two", B, turn_names=names)
    notebook.ask("One", A, policy=FRESH)
    answer = notebook.ask("Two", B, turn_names=names)
    assert answer.notices == ("asked again: the answer of cell [3] changed",)
    notebook.ask("Uno", A)
    assert notebook.ask("Two", B, turn_names=names).notices == (
        "asked again: the question of cell [3] changed",
    )
    notebook.chat.history.clear()
    assert notebook.ask("Two", B).notices == ("asked again: 1 turn before it then, 0 now",)


def test_answers_of_two_cells_are_not_mixed_up(notebook: Notebook) -> None:
    def draw(cell: CellRef) -> str:
        recorder = Recorder(notebook.recording, cell=cell)
        return notebook.chat.ask("Draw", history="ignore", recorder=recorder).text

    assert (draw(A), draw(B), draw(A), draw(B)) == ("answer 1", "answer 2", "answer 1", "answer 2")
    notebook.restart()
    assert (draw(B), draw(A)) == ("answer 2", "answer 1")


def test_a_cell_with_a_new_id_takes_the_answer_that_no_other_uses(notebook: Notebook) -> None:
    notebook.ask("Hi", A)
    notebook.restart()
    assert notebook.ask("Hi", B).text == "answer 1"
    notebook.restart()
    notebook.ask("Hi", A)
    notebook.chat.history.clear()
    assert notebook.ask("Hi", B).text == "answer 1"
    assert notebook.count == 1


def test_questions_without_cells_are_told_apart_by_their_order(notebook: Notebook) -> None:
    def draw() -> list[str]:
        return [notebook.ask("Draw", None, history="ignore").text for _ in range(2)]

    first = draw()
    notebook.restart()
    assert draw() == first == ["answer 1", "answer 2"]


def test_what_has_no_fingerprint_is_always_asked_and_says_so_once(notebook: Notebook) -> None:
    answers = [notebook.ask("Hi", values={"model": None}) for _ in range(3)]
    assert [answer.text for answer in answers] == ["answer 1", "answer 2", "answer 3"]
    (line,) = answers[0].notices
    assert line.startswith("model cannot be compared")
    assert answers[1].notices == answers[2].notices == ()


@pytest.mark.parametrize(("is_asked", "text"), [(True, "answer 2"), (False, "answer 1")])
def test_the_user_decides_about_a_stale_answer(
    notebook: Notebook, is_asked: bool, text: str
) -> None:
    reasons: list[str] = []

    def confirm(reason: str) -> bool:
        reasons.append(reason)
        return is_asked

    notebook.ask("Hi", confirm=confirm)
    answer = notebook.ask("Hello", confirm=confirm)
    assert (answer.text, reasons) == (text, ["the prompt changed"])
    if not is_asked:
        assert answer.notices == (
            "kept from 27 Nov, m, though the prompt changed; `fresh` asks again",
        )


def test_a_cut_answer_is_continued_and_becomes_one(notebook: Notebook) -> None:
    notebook.provider.failure = ProviderError("gone", kind="connection_lost")
    with pytest.raises(ProviderError):
        notebook.ask("Count")
    notebook.provider.failure = None
    answer = notebook.ask("Count")
    rest = notebook.provider.requests[-1]
    assert [message.text for message in rest.messages] == ["Count", "answer 1", CONTINUE_PROMPT]
    assert answer.text == "answer 1answer 2"
    assert (answer.kept_from, answer.notices) == ("", ("continued: it was cut on 27 Nov",))
    assert notebook.chat.turns[-1].response.text == answer.text
    assert notebook.ask("Count").text == answer.text
    assert notebook.count == 2


def test_a_cut_answer_does_not_replace_a_complete_one(notebook: Notebook) -> None:
    notebook.ask("Count")
    notebook.provider.failure = ProviderError("gone", kind="connection_lost")
    with pytest.raises(ProviderError):
        notebook.ask("Count", policy=FRESH)
    assert notebook.ask("Count").text == "answer 1"


def test_the_rest_of_an_answer_has_the_passages_of_its_question(notebook: Notebook) -> None:
    searches: list[str] = []

    def search(question: str) -> list[Document]:
        searches.append(question)
        return [Document("Tides", "High at 9.")]

    notebook.provider.failure = ProviderError("gone", kind="connection_lost")
    with pytest.raises(ProviderError):
        notebook.ask("When?", retriever=search)
    notebook.provider.failure = None
    answer = notebook.ask("When?", retriever=search)
    assert searches == ["When?", "When?"]
    assert "High at 9." in notebook.provider.requests[-1].messages[0].text
    assert [source.title for source in answer.sources] == ["Tides"]


def test_an_answer_at_the_output_limit_is_kept_as_it_is(notebook: Notebook) -> None:
    notebook.ask("Count")
    (record,) = notebook.records
    cut = replace(record.response, finish_reason="length", incomplete_reason="length")
    notebook.records.add(replace(record, response=cut))
    answer = notebook.ask("Count")
    assert (answer.text, answer.incomplete_reason, notebook.count) == ("answer 1", "length", 1)
    assert "was cut at the output limit" in answer.notices[0]


def test_kept_answers_run_no_tools(notebook: Notebook) -> None:
    def weather(city: str) -> str:
        """The weather in a city."""
        return "rain"

    async def call_first(request: Request) -> AsyncGenerator[Event, None]:
        notebook.provider.requests.append(request)
        yield Start("m", "p")
        if request.messages[-1].role == "tool":
            yield Token("It rains.")
        else:
            yield ToolCall("c", "weather", '{"city": "Oslo"}')
        yield Complete()

    notebook.provider.stream = call_first  # type: ignore[method-assign]
    named: dict[str, Any] = {"tools": [weather], "approve": "always"}
    first, again = notebook.ask("Weather?", **named), notebook.ask("Weather?", **named)
    assert (first.text, again.text) == ("It rains.", "It rains.")
    assert notebook.count == 2, "the model asks for the tool, and answers"
    assert first.steps == again.steps


def test_a_phrase_that_is_set_on_the_stream_is_an_input(notebook: Notebook) -> None:
    recorder = Recorder(notebook.recording)
    notebook.ask("Hi")
    stream = notebook.chat.stream("Hi", cell=A, recorder=recorder).stop_at("ans")
    assert "".join(stream) == "ans"
    assert notebook.ask("Hi").text == "answer 1"


def test_a_replay_asks_nobody(notebook: Notebook) -> None:
    notebook.ask("Hi")
    assert notebook.ask("Hi", policy=REPLAY).kept_from
    with pytest.raises(ReplayError, match="no answer to this prompt"):
        notebook.ask("Hello", policy=REPLAY)
    assert notebook.count == 1


def test_notices_of_a_recording_are_no_part_of_the_record(notebook: Notebook) -> None:
    notebook.ask("Hi")
    notebook.ask("Hello")
    assert all(
        not isinstance(timed.event, Notice)
        for record in notebook.records
        for timed in record.timed_events()
    )
    assert all(record.response.notices == () for record in notebook.records)


def test_an_answer_without_the_form_that_is_asked_for_is_asked_again(notebook: Notebook) -> None:
    def ask() -> str:
        check = {"answer 1": "it is not JSON"}.get
        recorder = Recorder(notebook.recording, check=lambda text: check(text, ""))
        return notebook.chat.ask("Hi", cell=A, recorder=recorder).text

    assert [ask(), ask(), ask()] == ["answer 1", "answer 2", "answer 2"]


def test_what_forbids_to_ask_does_not_forbid_a_kept_answer(notebook: Notebook) -> None:
    def forbid() -> None:
        raise ProviderError("the spend limit is reached")

    notebook.ask("Hi")
    assert notebook.ask("Hi", before_ask=forbid).kept_from
    with pytest.raises(ProviderError, match="spend limit"):
        notebook.ask("Hello", before_ask=forbid)
    assert notebook.count == 1


def test_the_rest_of_an_answer_is_recorded_and_replayed(notebook: Notebook) -> None:
    cut = Turn("Count", Response("one", incomplete_reason="length", model="m"))
    texts = []
    for policy in (KEEP, KEEP, REPLAY):
        notebook.restart()
        notebook.chat.history.extend([cut])
        recorder = Recorder(notebook.recording, policy=policy, cell=A)
        texts.append("".join(notebook.chat.continue_answer(recorder=recorder)))
    assert texts == ["answer 1"] * 3
    assert notebook.count == 1
    notebook.restart()
    notebook.chat.history.extend([Turn("Something else", cut.response)])
    stream = notebook.chat.continue_answer(recorder=Recorder(notebook.recording, policy=REPLAY))
    with pytest.raises(ReplayError, match="no answer"):
        list(stream)


@pytest.mark.parametrize(
    ("then", "now", "reason"),
    [
        ({"response_format": {"a": 1}}, {"response_format": {"b": 1}}, "the schema changed"),
        ({}, {"response_format": {"b": 1}}, "the schema is new"),
        ({"response_format": {"b": 1}}, {}, "the schema is gone"),
        ({"top_p": 1}, {"top_p": 2}, "extra_body: top_p 1 then, top_p 2 now"),
    ],
)
def test_a_schema_that_changed_is_told_without_its_source(
    notebook: Notebook, then: dict[str, Any], now: dict[str, Any], reason: str
) -> None:
    notebook.ask("Hi", extra_body=then)
    (line,) = notebook.ask("Hi", extra_body=now).notices
    assert line == f"asked again: {reason}"


def test_a_search_is_an_input_of_the_recording_of_the_process(notebook: Notebook) -> None:
    def search_notes(question: str) -> list[Document]:
        return [Document("Tides", found[-1])]

    counts, found = [], []
    for text in ("High at 9.", "High at 9.", "High at 10."):
        found = [text]
        notebook.restart()
        with use_recording(notebook.recording):
            notebook.chat.ask("When?", cell=A, retriever=search_notes)
        counts.append(notebook.count)
    assert counts == [1, 1, 2]
