from __future__ import annotations

import pytest

from cellmage.describe import registry


@pytest.fixture(autouse=True)
def no_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the text of a value a minute: the machine may be loaded, and the limit has its own test."""
    monkeypatch.setattr(registry, "REPR_SECONDS", 60.0)
