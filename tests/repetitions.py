"""How often tests repeat: `make stress` repeats each ten times as often, and takes all cases."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, settings

T = TypeVar("T")

FACTOR = 10 if os.environ.get("HYPOTHESIS_PROFILE") == "stress" else 1

DEFAULTS = settings(
    max_examples=100 * FACTOR,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def repeat(examples: int) -> settings:
    """Return the settings of a test that is not repeated the usual 100 times."""
    return settings(max_examples=examples * FACTOR)


def sample(cases: Sequence[T], count: int) -> Sequence[T]:
    """Return so many of the cases, at equal distances; all of them in `make stress`."""
    return cases if FACTOR > 1 else cases[:: -(-len(cases) // count)]
