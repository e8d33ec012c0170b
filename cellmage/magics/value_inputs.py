"""The fingerprints of what a prompt uses: values, attachments, what is searched."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Mapping, MutableMapping
from typing import Any

from ..fingerprint import Fingerprint, fingerprint
from .lookup import open_index

SIMPLE = (str, int, float, bool, type(None))
"""Types of values whose text is wholly in the prompt."""

Fingerprints = MutableMapping[str, Fingerprint | None]
"""The fingerprint of each value, by the name that the user gave it; None for one without."""


class ValueInputs:
    """Collects the fingerprints of what a prompt uses.

    Args:
        is_active: False collects nothing, and costs nothing: no answer is kept.

    Attributes:
        fingerprints: what was collected.

    Example:
        >>> values = ValueInputs(True)
        >>> values.add("n", 1); values.add("numbers", [1])
        >>> list(values.fingerprints)
        ['numbers']
    """

    def __init__(self, is_active: bool) -> None:
        self._is_active = is_active
        self.fingerprints: Fingerprints = {}
        self._counts = Counter[str]()

    def add(self, name: str, value: Any) -> None:
        """Add a value that stands in the prompt, or is attached to it.

        An expression that stands there twice may have two values.
        """
        if self._is_active and type(value) not in SIMPLE:
            result = fingerprint(value)
            self._counts[name] += 1
            if result != self.fingerprints.setdefault(name, result):
                self.fingerprints[f"{name} ({self._counts[name]})"] = result

    def add_search(self, args: Namespace, variables: Mapping[str, Any]) -> None:
        """Add what ``--rag`` names: the function, or the file of the index."""
        if self._is_active and args.rag is not None:
            function = variables.get(args.rag)
            kind, source = (
                ("function", function)
                if callable(function)
                else ("index", open_index(args.rag).path)
            )
            self.fingerprints[f"the {kind} {args.rag}"] = fingerprint(source)
