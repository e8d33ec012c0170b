"""How often random tests repeat: `make stress` repeats each ten times as often."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

FACTOR = 10 if os.environ.get("HYPOTHESIS_PROFILE") == "stress" else 1

DEFAULTS = settings(
    max_examples=100 * FACTOR,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def repeat(examples: int) -> settings:
    """Return the settings of a test that is not repeated the usual 100 times."""
    return settings(max_examples=examples * FACTOR)
