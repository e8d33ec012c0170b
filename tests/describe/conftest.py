from __future__ import annotations

import pytest

from cellmage.describe import registry


@pytest.fixture(autouse=True)
def no_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the text of a value a minute, on a loaded machine; the limit has a test of its own."""
    monkeypatch.setattr(registry, "REPR_SECONDS", 60.0)
