"""Text in an encoding that nobody names."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cellmage.decoding import decode_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@given(text=st.text(min_size=1))
def test_unicode(encoding: str, text: str) -> None:
    assume(text[0] not in "\ufeff\0")  # the latter makes the mark of UTF-16 that of UTF-32
    assert decode_text(text.encode(encoding)) == (text, encoding)


@given(st.binary())
def test_every_input_is_read(data: bytes) -> None:
    assert isinstance(decode_text(data).text, str)


def test_bytes_of_no_encoding() -> None:
    assert decode_text(b"caf\xe9 \x81") == ("café \x81", "latin-1")
