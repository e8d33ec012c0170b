"""Functions: what they run and read counts, however far away; what they fill does not."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from cellmage.fingerprint import fingerprint

MODULE = """
import functools, json
import rates_of_tests

RATE = 2
SAME = 2
OTHER = 3
PRICES = {"a": 1}
CALLS = []
COUNT = 0

class Table:
    factor = 1
    def get(self, x):
        return x + 10
    @property
    def size(self):
        return 20

table = Table()

def inner(x):
    return x * RATE + SAME + OTHER

@functools.lru_cache
def cached(x):
    return x + 30

def helper(x):
    return inner(x) + cached(x)

def read(x):
    return PRICES[x], json.dumps(x)

def tool(x):
    global COUNT
    COUNT += 1
    CALLS.append(x)
    return helper(x), read(x), rates_of_tests.rate(), table.get(1), table.size, helper_of_tool(x)

def helper_of_tool(x):
    return tool(x)
"""


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that loads the module with replacements, as another process would."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def load(*changes: str, rate: str = "1") -> Any:
        source = MODULE
        for change in changes:
            old, new = change.split(" -> ")
            assert old in source
            source = source.replace(old, new)
        (tmp_path / "rates_of_tests.py").write_text(f"unused = 1\ndef rate():\n    return {rate}\n")
        (tmp_path / "tools_of_tests.py").write_text(source)
        for name in ("rates_of_tests", "tools_of_tests"):
            sys.modules.pop(name, None)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        importlib.invalidate_caches()
        return importlib.import_module("tools_of_tests")

    return load


def digest(module: Any) -> str:
    found = fingerprint(module.tool)
    assert found is not None
    return found.digest


@pytest.mark.parametrize(
    "change",
    [
        "x * RATE -> x / RATE",
        "RATE = 2 -> RATE = 4",
        "SAME = 2 -> SAME = 3",
        '{"a": 1} -> {"a": 2}',
        "x + 10 -> x + 11",
        "return 20 -> return 21",
        "x + 30 -> x + 31",
    ],
)
def test_what_a_function_uses_counts(load: Any, change: str) -> None:
    assert digest(load()) == digest(load())
    assert digest(load()) != digest(load(change))


def test_a_function_of_another_module_of_the_user_counts(load: Any) -> None:
    assert digest(load(rate="1")) != digest(load(rate="2"))


def test_what_a_function_does_not_use_or_fills_does_not_count(load: Any) -> None:
    module = load()
    before = digest(module)
    module.tool.__globals__.update(COUNT=5, another=1)
    module.CALLS.append(1)
    sys.modules["rates_of_tests"].unused = 2  # type: ignore[attr-defined]
    assert digest(module) == before


def test_a_wrapper_counts_with_what_it_wraps() -> None:
    def make(text: str, factor: int) -> Any:
        namespace: dict[str, Any] = {"factor": factor, "__name__": "mine"}
        exec(
            "import functools\n"
            "def double(f):\n"
            "    @functools.wraps(f)\n"
            f"    def wrapper(x): return f(x) {text}\n"
            "    return wrapper\n"
            "@double\n"
            "def tool(x): return x * factor\n",
            namespace,
        )
        found = fingerprint(namespace["tool"])
        assert found is not None
        return found.digest

    assert make("+ 1", 1) == make("+ 1", 1)
    assert len({make("+ 1", 1), make("+ 2", 1), make("+ 1", 2)}) == 3
