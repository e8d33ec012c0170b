"""A kernel of one module: that of all tests may have threads of polars, and typed keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel.client import Kernel


@pytest.fixture(scope="module")
def shared_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """Return a kernel with the extension loaded; it takes the place of the one of all tests."""
    kernel = Kernel(tmp_path_factory.mktemp("home"))
    kernel.run("%load_ext cellmage")
    yield kernel
    kernel.close()
