from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cellmage.testing import ScriptedServer
from tests.conversation.scene import Scene


@pytest.fixture
def scene(server: ScriptedServer, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(server, tmp_path / "turns.db")
    yield scene
    scene.store.close()
