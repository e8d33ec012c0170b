"""Record to a file and replay from it: Python, the environment, misses, cuts, all APIs."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cellmage import Conversation, Options
from cellmage.errors import (
    CellmageError,
    ConfigError,
    IncompleteResponseError,
    ProviderError,
    ReplayError,
    UsageError,
)
from cellmage.events import Event, Kept, Status
from cellmage.messages import Request, Response
from cellmage.recording import LOCK, Recorder, Recording, open_record, open_replay, use_recording
from cellmage.recording.file_recordings import select_recording
from cellmage.recording.record_files import FileRecords
from cellmage.testing import Reply, ScriptedProvider, ScriptedServer, answer
from tests.recording.test_record_files import make_record
from tests.zoo.answers import ENCODERS, Answer
from tests.zoo.families import FAMILIES


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.llm.jsonl"


class Model:
    """A provider whose answer to a prompt is a script; the prompt itself, where it has none."""

    name = "scripted"

    def __init__(self, **scripts: Sequence[str | float | Exception]) -> None:
        self.scripts = scripts
        self.prompts: list[str] = []

    def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        prompt = request.messages[-1].text
        self.prompts.append(prompt)
        return ScriptedProvider(self.scripts.get(prompt, [f"to {prompt}"])).stream(request)


def record(
    path: Path, *prompts: str, **scripts: Sequence[str | float | Exception]
) -> list[Response]:
    """Record the answers of a scripted model to a file."""
    chat = Conversation(provider=Model(**scripts))
    with use_recording(open_record(path)):
        return [chat.ask(prompt, model="m") for prompt in prompts]


def replay(path: Path, *prompts: str) -> list[Response]:
    chat = Conversation(Options(model="m"))
    with use_recording(open_replay(path)):
        return [chat.ask(prompt) for prompt in prompts]


def test_a_conversation_is_replayed_with_its_times_and_without_a_model(path: Path) -> None:
    recorded = record(path, "a", "b")
    assert [response.kept_from for response in recorded] == ["", ""]
    replayed = replay(path, "a", "b")
    assert [response.text for response in replayed] == ["to a", "to b"]
    assert replayed == replay(path, "a", "b")
    assert all(response.kept_from and response.timings for response in replayed)


def test_equal_questions_have_an_answer_each_and_the_last_again(path: Path) -> None:
    with use_recording(open_record(path)):
        for text in ("one", "two"):
            Conversation(provider=Model(Hi=[text])).ask("Hi", model="m")
    with use_recording(open_replay(path)):
        texts = [Conversation(Options(model="m")).ask("Hi") for _ in range(3)]
    assert [response.text for response in texts] == ["one", "two", "two"]
    assert len({response.id for response in texts}) == 3


def test_a_changed_prompt_is_a_miss_that_says_which_words_differ(path: Path) -> None:
    record(path, "How high is the water in Brest at noon?")
    with pytest.raises(ReplayError) as caught:
        replay(path, "How high is the water in Oslo at noon?")
    assert str(caught.value) == (
        "the recording has no answer to this prompt: "
        "since the nearest one, the prompt changed: … water in [-Brest-] {+Oslo+} at noon?"
    )
    assert "\n" not in str(caught.value)
    with pytest.raises(ReplayError, match="no similar one"):
        replay(path, "What else?")


def test_a_miss_names_what_else_differs_and_a_damaged_line(path: Path) -> None:
    record(path, "Hi")
    with path.open("ab") as file:
        file.write(b"{cut\n")
    with use_recording(open_replay(path)), pytest.raises(ReplayError) as caught:
        Conversation(Options(model="m", temperature=0.5)).ask("Hi")
    assert "temperature: not set then, 0.5 now" in str(caught.value)
    assert "line 2 of answers.llm.jsonl cannot be read" in str(caught.value)
    with use_recording(open_replay(path)), pytest.raises(ReplayError, match="the model was m"):
        Conversation(Options(model="other")).ask("Hi")


def test_a_model_that_was_not_named_need_not_be_known(
    path: Path, connected: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected.play(*answer("Hello"))
    with use_recording(open_record(path)):
        Conversation().ask("Hi")
        Conversation().ask("Hi", model="other")
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("OPENAI_BASE_URL")
    with use_recording(open_replay(path)):
        assert Conversation().ask("Hi").model == "gpt-6-luna"
        assert Conversation().ask("Hi", model="other").model == "other"
    assert len(connected.exchanges) == 2


def test_an_error_is_no_answer_and_a_cut_answer_is_replayed_as_cut(path: Path) -> None:
    with pytest.raises(ProviderError):
        record(path, "a", a=[ProviderError("busy")])
    assert not path.exists()
    cut = IncompleteResponseError("lost", kind="connection_lost")
    with pytest.raises(CellmageError):
        record(path, "a", a=["Hel", cut])
    with pytest.raises(IncompleteResponseError) as caught:
        replay(path, "a")
    assert (caught.value.kind, caught.value.text) == ("connection_lost", "Hel")


def test_a_loop_that_is_left_is_replayed_to_the_same_piece(path: Path) -> None:
    def first_two(chat: Conversation) -> list[str]:
        pieces = []
        for piece in chat.stream("count"):
            pieces.append(piece)
            if len(pieces) == 2:
                break
        assert chat.ask("and then?").text == "to and then?"
        return [*pieces, chat.turns[0].response.text]

    options = Options(model="m")
    with use_recording(open_record(path)):
        texts = first_two(Conversation(options, provider=Model(count=["a", "b", 60.0, "c"])))
    assert texts == ["a", "b", "ab"]
    with use_recording(open_replay(path)):
        assert first_two(Conversation(options)) == texts


def test_pieces_keep_their_times_only_where_this_is_asked_for(path: Path) -> None:
    record(path, "a")
    (found,) = FileRecords(path)
    events = tuple(replace(timed, seconds=index / 10) for index, timed in enumerate(found.events))
    path.unlink()
    FileRecords(path, with_events=True).add(replace(found, events=events))
    slow, fast = (open_replay(path, speed=speed) for speed in ("recorded", "instant"))

    def seconds(recording: Recording) -> float:
        started_at = time.monotonic()
        with use_recording(recording):
            assert Conversation(Options(model="m")).ask("a").text == "to a"
        return time.monotonic() - started_at

    seconds(fast)
    assert seconds(slow) >= events[-1].seconds


def test_recording_what_is_missing_asks_for_nothing_else(path: Path) -> None:
    record(path, "a")
    before = path.read_bytes()
    provider = Model()
    with use_recording(open_record(path, only_missing=True)):
        chat = Conversation(Options(model="m"), provider=provider)
        assert [chat.ask(prompt).text for prompt in ("a", "b")] == ["to a", "to b"]
    assert provider.prompts == ["b"]
    assert path.read_bytes().startswith(before)
    assert [response.text for response in replay(path, "a", "b")] == ["to a", "to b"]


def test_recording_again_with_the_same_answers_changes_no_byte(path: Path) -> None:
    record(path, "a", "b")
    before = path.read_bytes()
    record(path, "a", "b")
    assert path.read_bytes() == before


def test_the_environment_names_a_file_for_the_process(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = Conversation(Options(model="m"), provider=Model())
    monkeypatch.setenv("CELLMAGE_RECORD", str(path))
    assert chat.ask("a").text == "to a"
    monkeypatch.delenv("CELLMAGE_RECORD")
    monkeypatch.setenv("CELLMAGE_REPLAY", str(path))
    assert Conversation(Options(model="m")).ask("a").text == "to a"
    assert Conversation(Options(model="m")).ask("a").text == "to a"  # the last one again
    monkeypatch.setenv("CELLMAGE_RECORD", "missing")
    assert chat.ask("b").text == "to b"
    monkeypatch.delenv("CELLMAGE_REPLAY")
    with pytest.raises(UsageError, match="CELLMAGE_RECORD missing needs a file: CELLMAGE_REPLAY"):
        chat.ask("c")
    monkeypatch.setenv("CELLMAGE_RECORD", "b.jsonl")
    monkeypatch.setenv("CELLMAGE_REPLAY", "gone.jsonl")
    with pytest.raises(UsageError, match=r"CELLMAGE_RECORD b.jsonl does not go with"):
        chat.ask("c")
    monkeypatch.delenv("CELLMAGE_RECORD")
    with pytest.raises(UsageError, match=r"there is no gone.jsonl to replay"):
        chat.ask("c")


def test_a_folder_stands_for_its_files(tmp_path: Path) -> None:
    record(tmp_path / "one.llm.jsonl", "a")
    record(tmp_path / "two.llm.jsonl", "b")
    damaged = (tmp_path / "two.llm.jsonl").read_bytes() + b"damaged\n"
    (tmp_path / "two.llm.jsonl").write_bytes(damaged)
    recording = open_replay(tmp_path)
    with use_recording(recording):
        texts = [Conversation(Options(model="m")).ask(prompt).text for prompt in "ab"]
        assert texts == ["to a", "to b"]
        with pytest.raises(ReplayError, match=r"line 2 of two.llm.jsonl"):
            Conversation(Options(model="m")).ask("a c")
    recording.records.add(make_record())
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


def test_nothing_is_selected_where_nothing_is_named() -> None:
    assert select_recording("", "") is None


@pytest.mark.parametrize("api", list(ENCODERS))
def test_every_api_is_replayed_as_it_was_received(
    api: str, path: Path, server: ScriptedServer
) -> None:
    family = next(each for each in FAMILIES if each.used_api == api and each.reasoning)
    encode = ENCODERS[api]
    calls = encode(family, Answer("Let me see.", calls=(("now", "call1"),)))
    server.play_each([Reply(calls), Reply(encode(family, Answer("It is noon.")))])

    def now() -> str:
        """Return the time."""
        return "noon"

    def events() -> list[Event]:
        options = Options(model=family.model, base_url=server.url, api=api)
        stream = Conversation(options).stream("When?", tools=[now], approve="always")
        return [event for event in stream.events if not isinstance(event, Status | Kept)]

    with use_recording(open_record(path)):
        received = events()
    with use_recording(open_replay(path)):
        assert events() == received
    types = {event.type for event in received}
    assert {"start", "reasoning", "token", "tool_call", "tool_result", "complete"} <= types
    assert len(server.exchanges) == 2


def test_where_no_key_is_the_error_says_why_the_kept_answer_is_not_shown(path: Path) -> None:
    def recorder() -> Recorder:
        return Recorder(Recording(FileRecords(path), LOCK))

    chat = Conversation(Options(model="groq/llama", system="Be brief."), provider=Model())
    chat.ask("Hi", recorder=recorder())
    options = Options(model="groq/llama", system="Be brief.")
    assert Conversation(options).ask("Hi", recorder=recorder()).text == "to Hi"
    with pytest.raises(ConfigError, match=r"key.*; asked again: the system prompt changed"):
        Conversation(options).ask("Hi", system="Be long.", recorder=recorder())
