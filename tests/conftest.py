from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from cellmage.testing import ScriptedServer
from tests.kernel.client import Kernel
from tests.repetitions import DEFAULTS

settings.register_profile("cellmage", DEFAULTS)
settings.load_profile("cellmage")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of the twin first: there can be none after polars has started its threads."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/twin/"))


@pytest.fixture(autouse=True)
def clean_environment(
    isolated_cellmage: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Hide the user's keys, addresses and files from every test."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server(scripted_server: ScriptedServer) -> ScriptedServer:
    """Return a running scripted server."""
    return scripted_server


@pytest.fixture
def connected(scripted_endpoint: ScriptedServer) -> ScriptedServer:
    """Return the server as the configured endpoint of this process."""
    return scripted_endpoint


@pytest.fixture(scope="session")
def shared_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """Return the kernel that the tests of one worker share, with the extension loaded."""
    kernel = Kernel(tmp_path_factory.mktemp("home"))
    kernel.run("%load_ext cellmage")
    yield kernel
    kernel.close()


@pytest.fixture
def offline(shared_kernel: Kernel) -> Kernel:
    """Return the shared kernel, with no model configured and an empty conversation.

    IPython keeps the last values in ``_`` until a cell assigns ``_``; the names get back what
    IPython keeps, so that a cell of an earlier test changes nothing.
    """
    shared_kernel.delete_subshells()
    shared_kernel.run(
        "import os\n"
        "hook = get_ipython().displayhook\n"
        "last = {name: getattr(hook, name) for name in ('_', '__', '___')}\n"
        "get_ipython().push(last, interactive=False)\n"
        "for name in [n for n in os.environ if n.startswith(('OPENAI_', 'CELLMAGE_'))]:\n"
        "    del os.environ[name]\n"
        "%unload_ext cellmage\n%load_ext cellmage"
    )
    return shared_kernel


@pytest.fixture
def kernel(offline: Kernel, server: ScriptedServer) -> Kernel:
    """Return the shared kernel; its configured endpoint is the scripted server."""
    offline.run(f"%env OPENAI_BASE_URL={server.url}\n%env OPENAI_API_KEY=sk-test-0000")
    return offline
