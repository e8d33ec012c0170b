from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.faults import untrusted_server


@pytest.fixture(scope="session")
def secure_url() -> Iterator[str]:
    """Return the base URL of a server whose certificate this machine does not trust."""
    with untrusted_server() as server:
        yield server.url
