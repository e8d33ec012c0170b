"""Keys: that they are sent to their host, and seen nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn
from weakref import WeakSet

from ..errors import ConfigError, UsageError

_MASK = "…"
_SHORTEST = 8
"""Characters from which a value may be a key: a shorter one is a word that may stand anywhere."""

# How secrets look in a text; the group is what nobody should see.
_SECRETS = re.compile(
    r"""
    \b((?:sk-|gsk_|hf_|xai-|AIza|pplx-)[A-Za-z0-9_-]{16,})  # keys of well-known providers
    | ://[^/\s:@]+:([^/\s@]+)@                               # a password in an address
    | [?&](?:api[_-]?key|key|token)=([^\s&#]+)               # a key in an address
    | \b(?:authorization|[\w-]{0,40}-auth|[\w-]{0,40}api-key):[ ](?:bearer[ ])?(\S{8,})  # a header
    """,
    re.VERBOSE | re.IGNORECASE,
)


class Key:
    """A key that shows its last four characters at most, and cannot be pickled.

    Example:
        >>> key = Key("sk-test-0000001234")
        >>> key, str(key), f"{key.reveal()[:2]}"
        (Key('…1234'), '…1234', 'sk')
    """

    __slots__ = ("__weakref__", "_reveal")

    def __init__(self, value: str) -> None:
        # A closure: inspection and debuggers show the attributes of objects.
        self._reveal: Callable[[], str] = lambda: value
        _in_use.add(self)

    def reveal(self) -> str:
        """The key itself, for the request alone."""
        return self._reveal()

    def __str__(self) -> str:
        return _end_of(self.reveal())

    def __repr__(self) -> str:
        return f"Key({str(self)!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key cannot be pickled")


def check_key(key: Key, host: str) -> None:
    """Refuse what cannot be a key; the error says where it is wrong, and shows none of it.

    Raises:
        ConfigError: it has a character that no key has.
    """
    value = key.reveal()
    for place, char in enumerate(value, 1):
        if not "!" <= char <= "~":
            raise ConfigError(
                f"the key for {host} has a character that no key has, at position {place} "
                f"of {len(value)}; set it again",
                host=host,
            )


def masked(text: str, key: Key | None) -> str:
    """The text without the key, which some servers send back in their errors."""
    return text.replace(key.reveal(), _MASK) if key is not None else text


_in_use: WeakSet[Key] = WeakSet()


def _end_of(value: str) -> str:
    """What may be shown of a key: its last four characters, of a short one nothing."""
    return _MASK + (value[-4:] if len(value) >= 2 * _SHORTEST else "")


def refuse_keys(texts: Iterable[str], named: Mapping[str, str]) -> None:
    """Refuse to send to a model what is a key here.

    Args:
        texts: what would be sent.
        named: keys that are configured, by the name of where; those in use are known.

    Raises:
        UsageError: a text holds one of the keys.
    """
    keys = [*named.items(), *(("use", key.reveal()) for key in _in_use)]
    for text in texts:
        for name, key in keys:
            if _holds(text, key.strip()):
                raise UsageError(f"the prompt holds the key in {name}; nothing was sent")


def _holds(text: str, key: str) -> bool:
    """Whether a key is in a text; a short one as a word, and only if it is no word of a language.

    Local servers are often given keys such as ``none``.
    """
    if len(key) >= _SHORTEST:
        return key in text
    return bool(re.search(r"\d", key)) and bool(re.search(rf"\b{re.escape(key)}\b", text))


def without_secrets(text: str) -> tuple[str, list[str]]:
    """A text with what looks like a key or a password masked, and how each of them ends.

    Example:
        >>> without_secrets("use sk-abcdefghijklmnop1234, not a task-force")
        ('use …1234, not a task-force', ['…1234'])
        >>> without_secrets("http://me:pa55-word@example.org/?key=K123")[0]
        'http://me:…@example.org/?key=…'
    """
    ends: list[str] = []

    def mask(match: re.Match[str]) -> str:
        at = match.lastindex or 0
        ends.append(_end_of(match[at]))
        start, end = (place - match.start() for place in match.span(at))
        return match[0][:start] + ends[-1] + match[0][end:]

    return _SECRETS.sub(mask, text), ends
