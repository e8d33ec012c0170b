from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel.client import Kernel
from tests.server import ScriptedServer


@pytest.fixture(scope="session")
def shared_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path_factory.mktemp("home"))
    kernel.run("%load_ext cellmage")
    yield kernel
    kernel.close()


@pytest.fixture
def offline(shared_kernel: Kernel) -> Kernel:
    """A kernel with no model configured and an empty conversation."""
    shared_kernel.run(
        "import os\n"
        "for name in [n for n in os.environ if n.startswith(('OPENAI_', 'CELLMAGE_'))]:\n"
        "    del os.environ[name]\n"
        "%reload_ext cellmage"
    )
    return shared_kernel


@pytest.fixture
def kernel(offline: Kernel, server: ScriptedServer) -> Kernel:
    """A kernel whose configured endpoint is the scripted server."""
    offline.run(f"%env OPENAI_BASE_URL={server.url}\n%env OPENAI_API_KEY=sk-test-0000")
    return offline
