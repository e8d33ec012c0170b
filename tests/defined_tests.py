"""The names of all tests, for tables that refer to tests of other files."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_DEFINITION = re.compile(r"^\s*(?:async )?def (test_\w+)\(", re.MULTILINE)


@cache
def defined_tests() -> frozenset[str]:
    """Return the names of all test functions and methods under tests/."""
    files = Path(__file__).parent.rglob("*.py")
    return frozenset(
        name for path in files for name in _DEFINITION.findall(path.read_text("utf-8"))
    )
