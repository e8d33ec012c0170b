"""Keys: where they are looked for, and that they are seen nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

from ..errors import ConfigError, UsageError

_MASK = "…"
_SHORTEST = 8
"""Characters from which a value may be a key: a shorter one is a word that may stand anywhere."""

# How the keys of well-known providers begin.
_LIKE_A_KEY = re.compile(r"\b(?:sk-|gsk_|hf_|xai-|AIza|pplx-)[A-Za-z0-9_-]{16,}")


class Key:
    """A key that shows its last four characters at most, and cannot be pickled.

    Example:
        >>> key = Key("sk-test-0000001234")
        >>> key, str(key), f"{key.reveal()[:2]}"
        (Key('…1234'), '…1234', 'sk')
    """

    __slots__ = ("_reveal",)

    def __init__(self, value: str) -> None:
        # A closure: inspection and debuggers show the attributes of objects.
        self._reveal: Callable[[], str] = lambda: value

    def reveal(self) -> str:
        """The key itself, for the request alone."""
        return self._reveal()

    def __str__(self) -> str:
        value = self.reveal()
        return _MASK + (value[-4:] if len(value) >= 2 * _SHORTEST else "")

    def __repr__(self) -> str:
        return f"Key({str(self)!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key cannot be pickled")


def check_key(key: str, host: str) -> None:
    """Refuse what cannot be a key; the error says where it is wrong, and shows none of it.

    Raises:
        ConfigError: it has a character that no key has.
    """
    for place, char in enumerate(key, 1):
        if not "!" <= char <= "~":
            raise ConfigError(
                f"the key for {host} has a character that no key has, at position {place} "
                f"of {len(key)}; set it again",
                host=host,
            )


def masked(text: str, key: Key | None) -> str:
    """The text without the key, which some servers send back in their errors."""
    return text.replace(key.reveal(), _MASK) if key is not None else text


def refuse_keys(texts: Iterable[str], variables: Iterable[str], environ: Mapping[str, str]) -> None:
    """Refuse to send a key of the environment to a model.

    Raises:
        UsageError: a text holds the value of one of these variables.
    """
    keys = {name: environ.get(name, "").strip() for name in variables}
    for text in texts:
        for name, key in keys.items():
            if len(key) >= _SHORTEST and key in text:
                raise UsageError(f"the prompt holds the key in {name}; nothing was sent")


def looks_like_a_key(text: str) -> str | None:
    """The last four characters of what looks like a provider's key in a text; None without one.

    Example:
        >>> looks_like_a_key("use sk-abcdefghijklmnop1234"), looks_like_a_key("a task-force")
        ('1234', None)
    """
    match = _LIKE_A_KEY.search(text)
    return match[0][-4:] if match else None
