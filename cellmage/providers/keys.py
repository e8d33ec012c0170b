"""API keys: sent only to their host, and never shown, logged or pickled."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn
from uuid import uuid4
from weakref import WeakValueDictionary

from ..errors import ConfigError, UsageError
from ..urls import origin_of

_MASK = "…"
_MIN_KEY_CHARS = 8
"""Characters from which a value is searched as it is: a shorter one may be an ordinary word."""

# How secrets look in a text; the group is what must not be shown.
_SECRETS = re.compile(
    r"""
    \b((?:sk-|csk-|gsk_|hf_|xai-|AIza|pplx-|nvapi-|r8_|fw_|tgp_v1_|dapi|ghp_|github_pat_|glpat-)
        [A-Za-z0-9_-]{16,})                                  # keys of well-known providers
    | \b(eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,})              # a JSON web token
    | \bbearer[ ]((?=[^\s\d]*\d)[A-Za-z0-9._~+/=-]{16,})     # a token of a header
    | ://[^/\s:@]+:([^/\s@]+)@                               # a password in an address
    | [?&](?:api[_-]?key|key|token)=([^\s&#]+)               # a key in an address
    | \b(?:authorization|[\w-]{0,40}-auth|[\w-]{0,40}api-key):[ ](?:bearer[ ])?(\S{8,})  # a header
    """,
    re.VERBOSE | re.IGNORECASE,
)


# A text without any of these has no secret. The pattern costs a hundred times as much, and every
# question sends the whole conversation.
_SECRET_MARKS = (
    "sk-", "gsk_", "hf_", "xai-", "aiza", "pplx-", "nvapi-", "r8_", "fw_", "tgp_v1_", "dapi",
    "ghp_", "github_pat_", "glpat-", "eyj", "bearer ", "://", "key=", "token=",
    "authorization:", "-auth:", "api-key:",
)  # fmt: skip


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
        return _last_four(self.reveal())


class BoundKey:
    """A key, with the one server that it may be sent to.

    The SDK is given the handle in its place. The handle becomes the key at the last moment, in a
    request to that server (`http_client`); so no variable of the SDK contains the key.

    Args:
        key: the key.
        base_url: a URL of the server.

    Attributes:
        key: as the argument.
        handle: stands for the key.

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
    """Return whether a text stands for a key."""
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


def mask_key(text: str, key: Key) -> str:
    """Return the text without the key, which some servers send back in their errors."""
    return text.replace(key.reveal(), _MASK)


def fingerprint(keys: Mapping[str, Key]) -> int:
    """Return a number that changes when a key is added or removed, without showing any key."""
    return hash(frozenset([*keys.values(), *_keys_in_use.values()]))


def refuse_keys(texts: Iterable[str], keys: Mapping[str, Key]) -> None:
    """Refuse texts that contain a key of this machine.

    Args:
        texts: the texts that would be sent to a model.
        keys: configured keys, by the name of their variable; the keys that providers of this
            process hold are always refused.

    Raises:
        UsageError: a text contains one of the keys.
    """
    every_key = [*keys.items(), *(("use", key) for key in list(_keys_in_use.values()))]
    for text in texts:
        plain = decode_escapes(text)
        for name, key in every_key:
            if contains_key(text, key) or (plain != text and contains_key(plain, key)):
                raise UsageError(f"the prompt holds the key in {name}; nothing was sent")


def mask_secrets(text: str) -> tuple[str, list[str]]:
    """Mask what looks like a key or a password.

    Returns:
        The text with each secret masked but for its end, and the ends that remain.

    Example:
        >>> mask_secrets("use sk-abcdefghijklmnop1234, not a task-force")
        ('use …1234, not a task-force', ['…1234'])
        >>> mask_secrets("http://me:pa55-word@example.org/?key=K123")[0]
        'http://me:…@example.org/?key=…'
    """
    endings: list[str] = []
    lower = text.lower()
    if not any(mark in lower for mark in _SECRET_MARKS):
        return text, endings

    def mask(match: re.Match[str]) -> str:
        group = match.lastindex or 0
        endings.append(_last_four(match[group]))
        start, end = (offset - match.start() for offset in match.span(group))
        return match[0][:start] + endings[-1] + match[0][end:]

    return _SECRETS.sub(mask, text), endings


# What an error quotes behind these words is a key, whatever it looks like.
_NAMED_KEY = re.compile(
    r"""\b(?:api[ _-]?key|(?:access|auth\w*|api)[ _-]?token|secret|password)\b
    (?:[ ](?:provided|given|used|received|sent|is|was))?[:=\s'"`]{1,4}
    (?=[^\s\d]*\d)([\w.~+/=*-]{7,}[\w=])""",
    re.VERBOSE | re.IGNORECASE,
)


def mask_error(text: str) -> str:
    """Mask every key in the text of a provider's error, also keys that are not of this machine.

    Example:
        >>> mask_error("Incorrect API key provided: my-secret-00001234. See https://example.org")
        'Incorrect API key provided: …1234. See https://example.org'
    """
    masked, _ = mask_secrets(text)
    return _NAMED_KEY.sub(
        lambda match: match[0].removesuffix(match[1]) + _last_four(match[1]), masked
    )


def _last_four(value: str) -> str:
    """Return what may be shown of a key: its last four characters, or nothing of a short one."""
    return _MASK + (value[-4:] if len(value) >= 2 * _MIN_KEY_CHARS else "")


# How JSON, addresses and HTML write a character that a key may contain.
_ESCAPES = re.compile(
    r"\\+(?:u00([2-7][0-9a-fA-F])|([/\\]))|%([2-7][0-9a-fA-F])|&#(?:x([0-9a-fA-F]{2})|(\d{2,3}));|&(amp|lt|gt);"
)
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}


def decode_escapes(text: str) -> str:
    """Return a text with the printable ASCII of its escapes, of JSON, of addresses and of HTML.

    Example:
        >>> decode_escapes(r"sk\u002dtest%2D1234&#45;5")
        'sk-test-1234-5'
    """
    if not _ESCAPE_MARKS.isdisjoint(text):
        return _ESCAPES.sub(_decode, text)
    return text


def _decode(match: re.Match[str]) -> str:
    json_hex, char, address_hex, html_hex, decimal, name = match.groups()
    if code := json_hex or address_hex or html_hex:
        return chr(int(code, 16))
    if decimal:
        return chr(int(decimal))
    return char or _ENTITIES[name]


_ESCAPE_MARKS = frozenset("\\%&")


def contains_key(text: str, key: Key) -> bool:
    """Return whether a text contains a key; a short key counts only as a word with a digit.

    Local servers are often given keys such as ``none``, which any prompt may contain.
    """
    value = key.reveal()
    if len(value) >= _MIN_KEY_CHARS:
        return value in text
    return bool(re.search(r"\d", value)) and bool(re.search(rf"\b{re.escape(value)}\b", text))
