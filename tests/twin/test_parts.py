"""The parts of the twin that are pure or are looked at from the parent."""

from __future__ import annotations

import os
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import fork_locks
from cellmage.errors import TwinError
from cellmage.twin.frames import BrokenFrameError, Decoder, encode
from cellmage.twin.limits import LIMITS, check_limits
from cellmage.twin.outputs import MAX_OUTPUTS, MAX_TEXT, Outputs
from cellmage.twin.process import Process, fork
from cellmage.twin.results import Action, Output, Run


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers())), st.integers(1, 50))
def test_frames_in_any_pieces(fields: list[dict[str, object]], size: int) -> None:
    frames = [{**each, "kind": "display"} for each in fields]
    data = b"".join(encode(frame) for frame in frames)
    decoder = Decoder()
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    assert [frame for piece in pieces for frame in decoder.feed(piece)] == frames


@pytest.mark.parametrize("data", [b"\xff" * 8, b"\0\0\0\1x", b"\0\0\0\2{}", b"\0\0\0\2[]"])
def test_what_is_no_frame(data: bytes) -> None:
    with pytest.raises(BrokenFrameError):
        list(Decoder().feed(data))


def test_a_text_is_one_output_and_bounded() -> None:
    heard: list[Output] = []
    outputs = Outputs(heard.append)
    for _ in range(3):
        outputs.add({"kind": "stdout", "text": "x" * (MAX_TEXT // 2)})
    first, note = outputs.all()
    assert len(first.text) == MAX_TEXT
    assert "500 000 characters left out" in note.text
    assert len(heard) == 2


def test_a_display_is_updated_and_cleared() -> None:
    outputs = Outputs(None)
    show = {"kind": "display", "data": {"text/plain": "1"}, "metadata": {}, "display_id": "a"}
    outputs.add(show)
    outputs.add({**show, "data": {"text/plain": "2"}, "update": True})
    outputs.add({**show, "data": {"text/plain": "3"}, "update": True, "display_id": "other"})
    assert [output.data["text/plain"] for output in outputs.all()] == ["2"]
    outputs.add({"kind": "clear"})
    outputs.add({"kind": "unheard of"})
    assert outputs.all() == ()


def test_too_many_outputs() -> None:
    outputs = Outputs(None)
    for number in range(MAX_OUTPUTS + 5):
        outputs.add({"kind": "result", "data": {"text/plain": f"{number}"}, "metadata": {}})
    assert len(outputs.all()) == MAX_OUTPUTS + 1


def test_a_run_in_words() -> None:
    actions = (Action("write the file", "/tmp/a"), Action("connect to", "host"))
    run = Run((Output("stdout", "a"), Output("stderr", "b")), actions=actions)
    assert (run.ok, run.stdout, run.files) == (True, "a", ("/tmp/a",))
    assert str(actions[1]) == "connect to host"


class Connection:
    __module__ = "psycopg"


class Client:
    __module__ = "distributed.client"


@pytest.mark.parametrize("cls", [Connection, Client])
def test_variables_that_forbid_a_twin(cls: type) -> None:
    check_limits({"_hidden": cls(), "number": 1})
    with pytest.raises(TwinError, match="`mine`"):
        check_limits({"mine": cls()})


def test_every_limit_says_what_to_do() -> None:
    assert all(";" in limit.line for limit in LIMITS)


def test_how_a_process_ended() -> None:
    kept: list[Process] = []
    ended = fork(lambda: os._exit(3), kept.append)
    killed = fork(lambda: time.sleep(60), kept.append)
    assert kept == [ended, killed]
    while not ended.poll():
        time.sleep(0.01)
    killed.end()
    assert ended.describe_end() == "it ended its process with status 3"
    assert killed.describe_end() == "its process was ended by SIGKILL"
    gone = Process(ended.pid)
    assert gone.poll()


def test_no_fork_while_a_thread_holds_a_lock() -> None:
    lock, taken, leave = fork_locks.make_rlock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            taken.set()
            leave.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait()
    with pytest.raises(TimeoutError), fork_locks.hold_all_locks(0.01):
        pass
    with pytest.raises(TwinError, match="another thread"):
        fork(lambda: os._exit(0), list)
    leave.set()
    thread.join()
    with fork_locks.hold_all_locks(1), lock:
        pass
