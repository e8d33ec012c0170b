"""The public names: sorted, and each with a docstring."""

from __future__ import annotations

from types import ModuleType

import pytest

import cellmage
import cellmage.testing


@pytest.mark.parametrize("module", [cellmage, cellmage.testing])
def test_public_names(module: ModuleType) -> None:
    assert module.__all__ == sorted(module.__all__)
    for name in module.__all__:
        assert getattr(module, name).__doc__
