"""Files of somebody else: read, or refused in one line; never slow, large, or half taken."""

from __future__ import annotations

import copy
import json
import os
import random
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cellmage import CellRef, Conversation, Options, Response, Turn, Usage, UsageError
from cellmage.conversation.export import export_turns, import_turns
from cellmage.conversation.store import ConversationScope, Store
from cellmage.events import Document
from cellmage.foreign_files import parse_json, parse_yaml, read_text_file
from cellmage.messages import Timings, ToolInvocation, ToolStep
from cellmage.preview import turns_markdown
from cellmage.prompt.personas import load_persona
from cellmage.retrieval import Index

STEP = ToolStep("Let me see. ", (ToolInvocation("1", "f", "{}", "42"),))
TURNS = [
    Turn("Hi", Response("Hello", model="m", usage=Usage(1, 2), id="a"), CellRef("c", 0)),
    Turn(
        "And?",
        Response("Let me see. 42", "hm", "m", "p", "stop", Usage(3, 4, 5), Timings(0.1, 0.2),
                 notices=("n",), id="b", steps=(STEP,), sources=(Document("t", "", "a.md", 3),)),
        stale=True,
        previous_attempts=(Turn("And?", Response("No", id="c")),),
    ),
]  # fmt: skip
ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    [],
    [1],
    {},
    {"a": 1},
    [[["x"]]],
    "\ud800",
]
MAX_BYTES = 100 * 2**20


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values in JSON data."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def mutate(value: Any, rng: random.Random) -> Any:
    """JSON data with other values in a few places."""
    value = copy.deepcopy(value)
    for _ in range(rng.randint(1, 3)):
        *path, last = rng.choice([path for path in places(value) if path])
        parent = value
        for key in path:
            parent = parent[key]
        if rng.random() < 0.2:
            del parent[last]
        else:
            parent[last] = rng.choice(ODD)
    return value


def deep(text: str, count: int = 100_000) -> str:
    return text * count


RAW = [
    "", "\ufeff", "null", "[]", "NaN", "1" * 5_000, deep("["), deep('{"a":'), '{"a": 1e999}', "\0",
    '{"cellmage": "x"}', '{"cellmage": 99, "turns": []}', '{"cells": 5}', '{"cells": [5]}',
]  # fmt: skip


@pytest.mark.parametrize("suffix", [".json", ".ipynb", ".md"])
def test_hostile_imports(tmp_path: Path, suffix: str) -> None:
    """A file that is taken makes a conversation that can be listed, shown, sent and exported."""
    source = export_turns(TURNS, tmp_path, f"talk{suffix}").read_text()
    assert import_turns(tmp_path / f"talk{suffix}") == TURNS
    rng = random.Random(suffix)
    store = Store(tmp_path / "store.db")
    for number in range(200):
        if number < len(RAW):
            text = RAW[number]
        elif suffix == ".md":
            start = source.index("<!--")
            text = source[: rng.randrange(start, len(source))] + rng.choice(["", "x", "-->"])
        else:
            text = json.dumps(mutate(json.loads(source), rng))
        check_import(tmp_path / f"hostile{suffix}", text, store, f"chat {number}")


def check_refusal(error: UsageError, name: str) -> None:
    assert "\n" not in str(error)
    assert name in str(error)


def check_import(path: Path, text: str, store: Store, name: str) -> None:
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        turns = import_turns(path)
    except UsageError as error:
        check_refusal(error, path.name)
        return
    chat = Conversation(Options(model="offline/echo"))
    chat.history.journal = store.journal(ConversationScope(None, "/", name))
    assert chat.history.extend(turns) == len(turns)
    assert chat.ask("And then?").text == "And then?"
    resumed = Conversation()
    resumed.history.journal = Store(store.path).journal(ConversationScope(None, "/", name))
    assert resumed.history.resume() == len(turns) + 1
    assert [(turn.prompt, turn.response.text) for turn in resumed.turns] == [
        (turn.prompt, turn.response.text) for turn in chat.turns
    ]
    assert isinstance(turns_markdown([(t.prompt, t.response.text) for t in turns]), str)
    assert all(map(repr, [chat, *(turn.response for turn in turns)]))
    assert chat.request("Next").messages[-1].content == "Next"
    again = path.with_name("again.json")
    again.unlink(missing_ok=True)
    assert import_turns(export_turns(turns, path.parent, again.name)) == turns


def alias_bomb() -> str:
    lines = ["a0: &a0 [x, x]"]
    return "\n".join([*lines, *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))])


PERSONAS = [
    alias_bomb(), deep("- ",30_000), "a: " + deep("[",500), "a: " + deep("{a: ",500),
    "since: 2024-02-30", f"max_tokens: {'9' * 5000}", "seed: 1:2:3:99999999999", "? [a]\n: b",
    "model: gguf//etc/passwd", "model: ' gguf//etc/passwd'", "base_url: http://x", "api_key: x",
    "temperature: .nan", "temperature: .inf", "a: !!python/object/apply:os.system [ls]",
    "a: !x y", "<<: *a", "<<: {temperature: 1}", "a: b: c", "\t", "%YAML 9.9", "--- a\n--- b",
    "max_tokens: 1_0", "max_tokens: 0x10", "max_tokens: 1e3", "model: [a]", "model: {a: b}",
    "model: 5", "description: [a, b]", "description: {a: b}", "description: " + deep("x",70_000),
    "temperature: -1", "top_p: x", "seed: 1.5", "a: &a b", "null: a", "true: a", "1: a", "a: ~",
    "'", '"', "[", "{", "|", ">", "&", "*", "!", "@", "`", "%", "a:\n- b\n c", "\x01", "\x85",
    "model: 'offline/echo, gguf//etc/passwd'", "model: a\nmodel: b", "a: !!binary AAAA",
    "a: 1" + ":59" * 9_000, "a: 0b" + "1" * 9_000, "a: [" + "[]," * 9_000 + "1]",
    "<<: [" + "{a: 1}," * 4_000 + "{b: 1}]", "? " * 9_000, "a: \ufffe", "? a", ": a", "- a",
    "a, b", "#", "tools: []", "headers: {}", "model: null",
]  # fmt: skip


@pytest.mark.parametrize("source", PERSONAS, ids=range(len(PERSONAS)))
def test_hostile_personas(tmp_path: Path, source: str) -> None:
    (tmp_path / "p.md").write_text(f"---\n{source}\n---\nBe kind.")
    tracemalloc.start()
    try:
        persona = load_persona("p", [tmp_path])
    except UsageError as error:
        check_refusal(error, "'p'")
    else:
        assert persona.options.system == "Be kind."
        assert "gguf/" not in str(persona.options.model)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < MAX_BYTES


def test_a_date_is_a_text_and_a_number_is_a_number() -> None:
    assert parse_yaml("a: 2024-02-30\nb: 2024-01-01 10:00:00\nc: 0.5\nd: yes\ne: 12") == {
        "a": "2024-02-30", "b": "2024-01-01 10:00:00", "c": 0.5, "d": True, "e": 12,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "1" * 401, deep("["), deep("[", 101)])
def test_json_that_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_json(text)


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


SPECIAL: list[tuple[Callable[[Path], object], str]] = [
    (make_fifo, "it is not a file"),
    (Path.mkdir, "Is a directory|it is not a file"),
    (lambda path: path.symlink_to("/dev/zero"), "it is not a file"),
    (lambda path: path.symlink_to(path), "symbolic links"),
    (lambda path: path.write_bytes(bytes(2_000)), "larger than 0.000953674 MiB"),
    (lambda path: path.write_bytes(b"\xff"), "not UTF-8"),
    (lambda path: None, "there is no such file"),
]


@pytest.mark.parametrize(("make", "problem"), SPECIAL, ids=range(len(SPECIAL)))
def test_what_is_no_text_file(tmp_path: Path, make: Callable[[Path], object], problem: str) -> None:
    path = tmp_path / "x.json"
    make(path)
    with pytest.raises(UsageError, match=problem) as info:
        read_text_file(path, 1_000)
    assert str(info.value).startswith("x.json: ")


def test_hostile_documents_leave_the_others_indexed(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "good.md").write_text("# Tides\n\nThe moon pulls the sea.")
    for number, text in enumerate([*RAW, *PERSONAS]):
        for suffix in (".ipynb", ".html", ".json", ".md"):
            path = folder / f"{number}{suffix}"
            path.write_text(text[:200_000], encoding="utf-8", errors="surrogatepass")
    os.mkfifo(folder / "pipe.md")
    (folder / "loop.md").symlink_to(folder / "loop.md")
    index = Index(tmp_path / "index.db")
    assert index.add([folder]) > 1
    assert next(match.title for match in index.search("What pulls the sea?")) == "Tides"


@pytest.mark.parametrize("unit", ["[],", "{},", '{"a":1},', '"a",', "1,", '{"":[{}]},', "1.5,"])
def test_the_values_of_json_are_bounded(unit: str) -> None:
    tracemalloc.start()
    with pytest.raises(ValueError, match="too many values"):
        parse_json(f"[{unit * (4 * 2**20 // len(unit))}1]")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MAX_BYTES


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="the name 'a' twice"):
        parse_json('{"b": 1, "a": 1, "a": 2}')
    assert parse_json('[{"a": ","}, {"a": "\\"\\\\"}]') == [{"a": ","}, {"a": '"\\'}]


def test_a_refused_import_changes_nothing(tmp_path: Path) -> None:
    chat = Conversation(Options(model="offline/echo"))
    store = Store(tmp_path / "store.db")
    chat.history.journal = store.journal(ConversationScope(None, "/", ""))
    chat.ask("Hi")
    before, turns = store.count_by_chat(ConversationScope(None, "/", "")), chat.turns
    (tmp_path / "x.json").write_text(
        '{"cellmage": 1, "turns": [{"prompt": "a", "text": "b"}, {"prompt": 5, "text": "b"}]}'
    )
    with pytest.raises(UsageError, match=r'x.json: turn 2: "prompt" is 5; it must be a text'):
        chat.history.extend(import_turns(tmp_path / "x.json"))
    assert chat.turns == turns
    assert store.count_by_chat(ConversationScope(None, "/", "")) == before
