from __future__ import annotations

import pytest

from cellmage import Conversation, Options
from cellmage.testing import ScriptedServer


@pytest.fixture
def chat(server: ScriptedServer) -> Conversation:
    """Return a conversation with the scripted server."""
    return Conversation(Options(model="m", base_url=server.url))
