from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.kernel.client import Kernel
from tests.scripted_server import ScriptedServer

settings.register_profile(
    "cellmage", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
settings.load_profile("cellmage")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No keys, no addresses and no files of the person who runs the tests."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "CELLMAGE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def connected(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """The server as the configured endpoint of this process."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0000")
    return server


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
