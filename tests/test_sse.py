"""The decoder of server-sent events: each case complete, byte by byte, and cut at random."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.errors import ProtocolError
from cellmage.sse import MAX_EVENT_BYTES, EventStreamDecoder

CASES = {
    "lf": (b"data: a\n\ndata: b\n\n", ["a", "b"]),
    "crlf": (b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]),
    "cr": (b"data: a\r\rdata: b\r\r", ["a", "b"]),
    "mixed": (b"data: a\r\n\ndata: b\n\r\ndata: c\r\n\r", ["a", "b", "c"]),
    "bom": (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
    "bom before an event": (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", ["a", "b"]),
    "bom before a line of an event": (b"data: a\n\xef\xbb\xbfdata: b\n\n", ["a\nb"]),
    "the error field of llama.cpp": (b"data: a\n\nerror: b\n\n", ["a", "b"]),
    "no space after the colon": (b"data:a\n\n", ["a"]),
    "one space only is dropped": (b"data:  a\n\n", [" a"]),
    "several lines": (b"data: a\ndata\ndata: b\n\n", ["a\n\nb"]),
    "comments": (b": hello\n\n:\n\ndata: a\n: x\n\n", ["a"]),
    "other fields": (b"event: x\nid: 1\nretry: 5\ndata: a\nnew: 1\n\n", ["a"]),
    "fields without data": (b"retry: 100\n\nid: 2\n\n", []),
    "no colon": (b"data\n\n", [""]),
    "unfinished": (b"data: a\n\ndata: b\n", ["a"]),
    "capitals and blanks": (b"Data: a\n\n  data: b\n\nDATA:c\n\n", ["a", "b", "c"]),
    "JSON without a field": (b': ping\n{"a": 1}\n\n', ['{"a": 1}']),
    "JSON without blank lines": (
        b'data: {"a": 1}\ndata: {"b": 2}\ndata: [DONE]\n\n',
        ['{"a": 1}', '{"b": 2}', "[DONE]"],
    ),
    "JSON of several lines": (b'data: {"a": {}\ndata: }\n\n', ['{"a": {}\n}']),
    "not utf-8": (b"data: a\xff\xfeb\n\n", ["a��b"]),
    "text of several bytes": ("data: é日🧙\n\n".encode(), ["é日🧙"]),
    "other line ends are text": ("data: a\u2028b\x0bc\x85\n\n".encode(), ["a\u2028b\x0bc\x85"]),
}


def decode(pieces: list[bytes]) -> list[str]:
    decoder = EventStreamDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)]


def cut(data: bytes, offsets: list[int]) -> list[bytes]:
    cuts = sorted({0, len(data), *(offset % (len(data) + 1) for offset in offsets)})
    return [data[a:b] for a, b in itertools.pairwise(cuts)] or [data]


@pytest.mark.parametrize("name", CASES)
def test_case_complete_and_in_every_size(name: str) -> None:
    data, events = CASES[name]
    for size in (len(data), 1, 2, 3, 5, 7):
        assert decode([data[i : i + size] for i in range(0, len(data), size)]) == events


TYPES = {
    "no type": (b"data: a\n\ndata: b\n\n", ["", ""]),
    "of one event only": (b"event: error\ndata: a\n\ndata: b\n\n", ["error", ""]),
    "after the data": (b"data: a\nevent:ping\n\n", ["ping"]),
    "without data": (b"event: error\n\ndata: a\n\n", [""]),
    "the error field of llama.cpp": (b'error: {"a": 1}\n\ndata: b\n\n', ["error", ""]),
    "not utf-8": (b"event: \xff\ndata: a\n\n", ["�"]),
}


@pytest.mark.parametrize("name", TYPES)
def test_types_of_events(name: str) -> None:
    data, types = TYPES[name]
    decoder = EventStreamDecoder()
    assert [decoder.event_type for _ in decoder.feed(data)] == types


@pytest.mark.parametrize(
    ("end", "events"),
    [
        (b"data: b\n", ["b"]),
        (b"data: b", ["b"]),
        (b"data: b\r", ["b"]),
        (b"data: b\ndata: c", ["b\nc"]),
        (b"dat", []),
        (b": b", []),
        (b"", []),
    ],
)
def test_an_event_without_its_blank_line_ends_with_the_stream(
    end: bytes, events: list[str]
) -> None:
    decoder = EventStreamDecoder()
    assert list(decoder.feed(b"data: a\n\n" + end)) == ["a"]
    assert list(decoder.close()) == events
    assert list(decoder.close()) == []


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"))),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.lists(st.integers(0, 10_000)),
)
def test_any_events_cut_anywhere(texts: list[str], end: bytes, offsets: list[int]) -> None:
    data = b"".join(b"data: " + text.encode() + end + end for text in texts)
    assert decode(cut(data, offsets)) == texts


@given(st.binary(), st.lists(st.integers(0, 10_000)))
def test_any_bytes_decode_to_the_same_in_any_pieces(data: bytes, offsets: list[int]) -> None:
    assert decode(cut(data, offsets)) == decode([data])


def test_an_event_may_hold_10_mib() -> None:
    line = b"data: " + b"x" * (10 * 2**20) + b"\n\n"
    (event,) = decode([line[i : i + 4096] for i in range(0, len(line), 4096)])
    assert len(event) == 10 * 2**20


@pytest.mark.parametrize("start", [b"", b"data: "])
def test_an_endless_line_is_an_error(start: bytes) -> None:
    decoder = EventStreamDecoder()
    list(decoder.feed(start))
    for _ in range(MAX_EVENT_BYTES // 65536 - 1):
        list(decoder.feed(b"x" * 65536))
    with pytest.raises(ProtocolError, match="16 MiB"):
        list(decoder.feed(b"x" * 65537))
