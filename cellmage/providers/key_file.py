"""Read key files as people write them; no I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .keys import clean_key, is_key

# A line may be copied from a shell, PowerShell, a notebook, a .env file or YAML.
_LINE = re.compile(
    r"""
    (?:(?:export|set|%env)\s+|\$env:)?
    (?P<name>
        ["']?(?:[A-Z]+|[A-Za-z](?=\w*_)\w*+)["']?(?=\s*[=:])  # a variable
      | (?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d+)?(?=\s*=|:\s)  # a host, perhaps with a port
    )
    \s*[=:]\s*(?P<value>.*)
    """,
    re.VERBOSE,
)
_BLANK = " \t\u00a0\u200b\ufeff"


@dataclass(frozen=True, slots=True, repr=False)
class KeyFile:
    """The contents of a key file.

    Args:
        keys: the keys, by the name of a variable or a host.
        problems: what is wrong in the lines that have no key, with the number of the line; no
            problem shows a part of its line.
    """

    keys: Mapping[str, str]
    problems: tuple[str, ...] = ()


def parse_key_file(data: bytes) -> KeyFile:
    """Return the keys in a file of ``NAME=value`` lines; ``#`` begins a comment.

    Args:
        data: UTF-8, or what has a byte order mark, such as the UTF-16 of PowerShell.

    Raises:
        ValueError: it is not such a text.

    Example:
        >>> file = parse_key_file(b'export OPENAI_API_KEY="sk-1"  # mine\\nllm.example.org=sk-2')
        >>> file.keys
        {'OPENAI_API_KEY': 'sk-1', 'llm.example.org': 'sk-2'}
        >>> parse_key_file(b"sk-test-1234").problems
        ('line 1: write NAME=key, with the name of a variable or a host',)
    """
    is_utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = data.decode("utf-16" if is_utf16 else "utf-8-sig", "replace")
    if "\ufffd" in text:  # a `UnicodeDecodeError` would contain the bytes, and so the keys
        raise ValueError("it is not UTF-8")
    keys: dict[str, str] = {}
    problems = []
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        content = line.strip(_BLANK)
        if not content or content.startswith("#"):
            continue
        match = _LINE.fullmatch(content)
        value = clean_key(match["value"]) if match else ""
        if match and is_key(value):
            name = match["name"].strip("\"'")
            keys[name.upper() if "_" in name else name] = value  # no host has an underscore
        else:
            problems.append(f"line {number}: {_problem(match, value)}")
    return KeyFile(keys, tuple(problems))


def _problem(match: re.Match[str] | None, value: str) -> str:
    if match is None:
        return "write NAME=key, with the name of a variable or a host"
    if not value:
        return "there is no key after the name"
    if value[0] in "\"'":
        return "the quote is not closed"
    if re.search(r"\s", value):
        return "there is a blank in the key; write a comment after ' #'"
    return "the key has a character that no key has"
