"""The fingerprints of what a prompt uses."""

from __future__ import annotations

from cellmage.magics.value_inputs import ValueInputs


def test_an_expression_that_stands_there_twice_may_have_two_values() -> None:
    values = ValueInputs(True)
    for value in ([1], [2], [1]):
        values.add("next(rows)", value)
    assert list(values.fingerprints) == ["next(rows)", "next(rows) (2)"]
    values.add("next(rows)", [2])
    assert list(values.fingerprints)[2:] == ["next(rows) (4)"]
    once = ValueInputs(True)
    for _ in range(2):
        once.add("rows", [1])
    assert list(once.fingerprints) == ["rows"]
