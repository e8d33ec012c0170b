"""Keys and secrets in texts: found, refused and masked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..errors import UsageError
from .keys import MIN_KEY_CHARS, Key, keys_in_use, last_four

# How secrets look in a text; the group is what must not be shown.
_SECRETS = re.compile(
    r"""
    \b((?:sk-|csk-|gsk_|hf_|xai-|AIza|pplx-|nvapi-|r8_|fw_|tgp_v1_|dapi|ghp_|github_pat_|glpat-)
        [A-Za-z0-9_-]{16,})                                  # keys of well-known providers
    | \b((?:gh[ousr]_|[rs]k_(?:live|test)_|npm_)[A-Za-z0-9]{16,}) # GitHub, Stripe, npm
    | \b((?:xox[abeoprs]|xapp|glrt|pypi-AgE)-?[\w-]{16,})    # Slack, GitLab, PyPI
    | \b(SG\.[\w-]{16,}\.[\w-]{16,} | ya29\.[\w-]{16,})     # SendGrid, Google
    | (?-i:\b(A(?:KI|SI)A[0-9A-Z]{16})\b)                    # the id of a key of AWS
    | \baws_?secret_?(?:access_?)?key[\"']?\s*[:=]\s*[\"']?([A-Za-z0-9/+]{40})
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----\s*([^-]{16,})   # a key in a file (RFC 7468)
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
    "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "npm_",
    "xox", "xapp-", "glrt-", "pypi-age", "sg.", "ya29.", "akia", "asia", "aws", "private key",
    "github_pat_", "glpat-", "eyj", "bearer ", "://", "key=", "token=",
    "authorization:", "-auth:", "api-key:",
)  # fmt: skip


def mask_key(text: str, key: Key) -> str:
    """Return the text without the key, which some servers send back in their errors."""
    return text.replace(key.reveal(), "…")


def refuse_keys(texts: Iterable[str], keys: Mapping[str, Key]) -> None:
    """Refuse texts that contain a key of this machine.

    Args:
        texts: the texts that would be sent to a model.
        keys: configured keys, by the name of their variable; the keys that providers of this
            process hold are always refused.

    Raises:
        UsageError: a text contains one of the keys.
    """
    every_key = [*keys.items(), *(("use", key) for key in keys_in_use())]
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
        endings.append(last_four(match[group]))
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
        lambda match: match[0].removesuffix(match[1]) + last_four(match[1]), masked
    )


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
    if len(value) >= MIN_KEY_CHARS:
        return value in text
    return bool(re.search(r"\d", value)) and bool(re.search(rf"\b{re.escape(value)}\b", text))
