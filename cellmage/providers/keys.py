"""API keys: sent only to their host, and never shown, logged or pickled."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NoReturn
from uuid import uuid4
from weakref import WeakValueDictionary

from ..errors import ConfigError
from ..urls import origin_of

_MASK = "…"
MIN_KEY_CHARS = 8
"""Characters from which a value is searched as it is: a shorter one may be an ordinary word."""


class Secret:
    """A text that nothing shows but the code that asks for it; it cannot be pickled.

    Args:
        value: the text.

    Example:
        >>> Secret("http://me:pa55-word@proxy.example")
        Secret('…')
    """

    __slots__ = ("__weakref__", "_reveal")

    def __init__(self, value: str) -> None:
        # A closure: inspection and debuggers show the attributes of objects.
        self._reveal: Callable[[], str] = lambda: value

    def reveal(self) -> str:
        """Return the text itself."""
        return self._reveal()

    def __len__(self) -> int:
        return len(self.reveal())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.reveal() == other.reveal()

    def __hash__(self) -> int:
        return hash(self.reveal())

    def __str__(self) -> str:
        return _MASK

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key cannot be pickled")


class Key(Secret):
    """A key that shows its last four characters at most; the request to its host reveals it.

    Args:
        value: the key itself.

    Example:
        >>> key = Key("sk-test-0000001234")
        >>> key, str(key), f"{key.reveal()[:2]}"
        (Key('…1234'), '…1234', 'sk')
    """

    __slots__ = ()

    def __init__(self, value: str) -> None:
        super().__init__(value)
        _keys_in_use[id(self)] = self

    def describe(self, prefix: str = "key") -> str:
        """Return the end of the key behind the prefix; of a short key only that it is set.

        Example:
            >>> Key("sk-test-abcdefgh1234").describe(), Key("sk-none").describe()
            ('key …1234', 'a key is set')
        """
        ending = str(self)
        return "a key is set" if ending == _MASK else f"{prefix} {ending}"

    def __str__(self) -> str:
        return last_four(self.reveal())


class BoundKey:
    """A key, with the one server that it may be sent to.

    The SDK is given the handle in its place. The handle becomes the key at the last moment, in a
    request to that server (`http_client`); so no variable of the SDK contains the key.

    Args:
        key: the key.
        base_url: a URL of the server.

    Attributes:
        key: as the argument.
        handle: a text that the SDK sends in place of the key.

    Example:
        >>> bound = BoundKey(Key("sk-test-0000001234"), "https://llm.example.org/v1")
        >>> key_for(bound.handle, "https://llm.example.org/v1/models")
        Key('…1234')
        >>> key_for(bound.handle, "http://llm.example.org/v1/models") is None
        True
    """

    def __init__(self, key: Key, base_url: str) -> None:
        self.key = key
        self.handle = f"key-{uuid4().hex}"
        self._origin = origin_of(base_url)
        _bound_keys[self.handle] = self

    def key_for(self, url: str) -> Key | None:
        """Return the key for a URL; None if the URL is one of another server."""
        return self.key if origin_of(url) == self._origin else None


_bound_keys: WeakValueDictionary[str, BoundKey] = WeakValueDictionary()


def is_handle(text: str) -> bool:
    """Return whether a text is the handle of a key."""
    return text in _bound_keys


def key_for(handle: str, url: str) -> Key | None:
    """Return the key behind a handle for a URL; None if it must not be sent there."""
    bound = _bound_keys.get(handle)
    return bound.key_for(url) if bound else None


# Quotes and the blanks around a key: what shells, word processors and web pages leave there.
_QUOTED = re.compile(r"""(?P<open>["'“”‘’])(?P<value>.*?)["'“”‘’][,;]?(?:\s*\#.*)?""", re.DOTALL)
_COMMENT = re.compile(r"(?:^|\s+)#.*", re.DOTALL)
_BEARER = re.compile(r"bearer\s+", re.IGNORECASE)
_AROUND = " \t\r\n\u00a0\u200b\u2060\ufeff"


def clean_key(value: str) -> str:
    """Return a key without what people write around it in variables and key files.

    Blanks at the ends, quotes, a comment after a blank, and ``Bearer`` are no part of a key.

    Example:
        >>> clean_key(' "Bearer sk-test-1234"  # mine')
        'sk-test-1234'
    """
    text = value.strip(_AROUND)
    quoted = _QUOTED.fullmatch(text)
    text = quoted["value"] if quoted else _COMMENT.sub("", text)
    return _BEARER.sub("", text.strip(_AROUND), count=1)


def is_key(value: str) -> bool:
    """Return whether a value can be a key: printable ASCII without blanks and quotes.

    Example:
        >>> is_key("sk-test-1234"), is_key("sk test"), is_key("")
        (True, False, False)
    """
    return bool(value) and all(map(_is_key_char, value))


def _is_key_char(char: str) -> bool:
    return "!" <= char <= "~" and char not in "\"'"


_keys_in_use: WeakValueDictionary[int, Key] = WeakValueDictionary()
"""Each key of this process, also two that are equal: one may go away."""


def check_key(key: Key, host: str) -> None:
    """Refuse a value that cannot be a key; the error shows the position, and no character of it.

    Args:
        key: the value that was set as a key.
        host: the host that it is for.

    Raises:
        ConfigError: it contains a character that no key has.
    """
    length, wrong = _measure(key)
    if wrong:
        raise ConfigError(
            f"the key for {host} has a character that no key has, at position {wrong} "
            f"of {length}; set it again",
            host=host,
        )


def _measure(key: Key) -> tuple[int, int]:
    """Return the length of a key, and the position of a character that no key has; or 0."""
    value = key.reveal()
    wrong = (position for position, char in enumerate(value, 1) if not _is_key_char(char))
    return len(value), next(wrong, 0)


def keys_in_use() -> list[Key]:
    """Return the keys that this process holds."""
    return list(_keys_in_use.values())


def fingerprint(keys: Mapping[str, Key]) -> int:
    """Return a number that changes when a key is added or removed, without showing any key."""
    return hash(frozenset([*keys.values(), *keys_in_use()]))


def last_four(value: str) -> str:
    """Return what may be shown of a key: its last four characters, or nothing of a short one."""
    return _MASK + (value[-4:] if len(value) >= 2 * MIN_KEY_CHARS else "")
