"""How often tests repeat: `make stress` repeats each often, and takes all cases."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import HealthCheck, settings

T = TypeVar("T")

IS_STRESS = os.environ.get("HYPOTHESIS_PROFILE") == "stress"
FACTOR = 10 if IS_STRESS else 1


def _examples(count: int) -> int:
    """Return the number of examples of a run: each run of `make test` draws others, and few."""
    return count * FACTOR if IS_STRESS else max(5, count * 2 // 5)


DEFAULTS = settings(
    max_examples=_examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def repeat(examples: int) -> settings:
    """Return the settings of a test that is not repeated the usual 100 times."""
    return settings(max_examples=_examples(examples))


def sample(cases: Sequence[T], count: int) -> Sequence[T]:
    """Return so many of the cases, at equal distances; all of them in `make stress`."""
    return cases if IS_STRESS else cases[:: -(-len(cases) // count)]
