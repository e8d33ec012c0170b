from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cellmage.conversation.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store whose file does not exist yet."""
    store = Store(tmp_path / "data" / "turns.db")
    yield store
    store.close()
