"""The order of turns is that of asking, whatever the order in which their answers end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from cellmage import CellRef, Conversation, Response, Turn
from cellmage.conversation.history import History
from cellmage.conversation.store import ConversationScope, Store
from cellmage.testing import ScriptedProvider
from tests.repetitions import repeat

SCOPE = ConversationScope("/notes/a.ipynb", "/notes")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "answer", "end", "fail", "edit", "drop"]), st.integers(0, 99)
    ),
    max_size=25,
)


@contextmanager
def stored_history() -> Iterator[tuple[History, Path]]:
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "turns.db")
        try:
            yield History(journal=store.journal(SCOPE)), Path(folder) / "turns.db"
        finally:
            store.close()


def load(path: Path) -> list[str]:
    store = Store(path)
    turns, _ = store.journal(SCOPE).load()
    store.close()
    return [turn.prompt for turn in turns]


@repeat(60)
@given(steps=STEPS)
def test_turns_are_in_the_order_of_asking(steps: list[tuple[str, int]]) -> None:
    with stored_history() as (history, path):
        open_turns: list[Turn] = []
        asked: list[str] = []
        for number, (step, choice) in enumerate(steps):
            name = f"{number:02}"
            turn = Turn(name, Response("", id=name), CellRef(f"cell {name}", 0))
            if step == "reserve":
                history.reserve(turn.response.id, turn.cell)
                history.begin(turn, lambda turn=turn: turn.response, True)
                open_turns.append(turn)
            elif step == "answer":
                history.begin(turn, lambda turn=turn: turn.response, True)
                history.commit(Turn(name, Response("text", id=name), turn.cell), True)
                asked.append(name)
            elif step in ("end", "fail") and open_turns:
                ended = open_turns.pop(choice % len(open_turns))
                text = "text" if step == "end" else ""
                response = Response(text, id=ended.response.id)
                history.commit(Turn(ended.prompt, response, ended.cell), True)
                asked += [ended.prompt] * bool(text)
            elif step == "edit" and history.turns:
                history.edit(choice % len(history.turns) + 1, f"edited {name}")
            elif step == "drop" and history.turns:
                asked.remove(history.drop(choice % len(history.turns) + 1).prompt)
        assert [turn.prompt for turn in history.turns] == sorted(asked)
        assert load(path) == sorted(asked)
        assert not any(turn.stale for turn in history.turns)


def test_a_cell_that_asks_again_keeps_the_place_of_its_turn() -> None:
    with stored_history() as (history, path):
        first, second = (CellRef(name, 0) for name in "ab")
        history.commit(Turn("1", Response("one", id="r1"), first), True)
        history.commit(Turn("2", Response("two", id="r2"), second), True)
        history.reserve("r3", first)
        history.begin(Turn("1 again", Response("", id="r3"), first), lambda: Response(""), True)
        history.commit(Turn("1 again", Response("new", id="r3"), first), True)
        assert [turn.prompt for turn in history.turns] == ["1 again", "2"] == load(path)
        assert history.turns[1].stale


def test_nothing_is_kept_when_no_answer_is_under_way() -> None:
    history = History()
    for number in range(3):
        history.reserve(f"r{number}", None)
    for number in range(3):
        history.commit(Turn("q", Response("a", id=f"r{number}")), True)
    assert vars(history._reserved) | {"_last": 0} == {"_open": set(), "_numbers": {}, "_last": 0}


def test_a_stream_that_is_announced_and_never_read_ends_its_reservation() -> None:
    chat = Conversation(provider=ScriptedProvider(["one"]))
    stream = chat.stream("first")
    chat.history.reserve(stream.id, None)
    stream.announce()
    assert len(chat.history._reserved) == 1
    stream.close()
    assert (len(chat.history._reserved), chat.turns, list(stream)) == (0, (), [])
    assert stream.response.incomplete_reason == "closed"
