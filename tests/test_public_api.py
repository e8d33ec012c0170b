"""The public names: sorted, and each with a docstring."""

from __future__ import annotations

import cellmage


def test_public_names() -> None:
    assert cellmage.__all__ == sorted(cellmage.__all__)
    for name in cellmage.__all__:
        assert getattr(cellmage, name).__doc__
