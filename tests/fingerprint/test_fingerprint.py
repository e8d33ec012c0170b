"""Equal values have equal fingerprints, others have not, and what is not known has none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.fingerprint import fingerprint, register

SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)


@given(st.lists(SCALARS), st.lists(SCALARS))
def test_lists_have_equal_digests_if_they_look_equal(one: list[Any], two: list[Any]) -> None:
    assert (fingerprint(one) == fingerprint(two)) == (repr(one) == repr(two))


def test_a_set_has_the_same_digest_in_another_process() -> None:
    code = (
        "from cellmage.fingerprint import fingerprint as f; print(f({'a', 'b', 'c', 'd'}).digest)"
    )
    command = [sys.executable, "-c", code]
    runs = {
        subprocess.run(
            command, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(runs) == 1


def test_two_lambdas_of_one_line_differ() -> None:
    first, second = lambda x: x + 1, lambda x: x + 2
    assert fingerprint(first) != fingerprint(second)


def test_a_closure_counts() -> None:
    def make(step: int) -> Any:
        def add(x: int) -> int:
            return x + step

        return add

    assert fingerprint(make(1)) == fingerprint(make(1)) != fingerprint(make(2))


def test_the_layout_of_an_array_does_not_count_but_a_cell_does() -> None:
    array = np.arange(12.0).reshape(3, 4)
    other = array.copy()
    other[2, 1] = 0
    assert fingerprint(array) == fingerprint(np.asfortranarray(array)) != fingerprint(other)
    assert fingerprint(array) != fingerprint(array.reshape(4, 3))


def test_the_bytes_of_a_file_count(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1")
    first = fingerprint(path)
    path.write_text("2")
    assert None is not first != fingerprint(path)


@pytest.mark.parametrize("value", [iter([1]), object(), sys.stdout, (n for n in ())])
def test_what_is_not_known_exactly_has_none(value: Any) -> None:
    assert fingerprint(value) is None


def test_a_registered_function_names_what_counts() -> None:
    class Tide:
        def __init__(self, height: int) -> None:
            self.height = height

    assert fingerprint(Tide(3)) is None
    register(Tide, lambda tide: tide.height)
    assert fingerprint(Tide(3)) == fingerprint(Tide(3)) != fingerprint(Tide(4))
