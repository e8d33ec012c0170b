"""Files that somebody else may have written: read within bounds, or refused in one line.

A reader returns plain data, whose types its caller checks, and changes nothing.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import yaml

from .errors import UsageError
from .text import excerpt, spell_out

_MAX_YAML_CHARS = 2**15
_MAX_YAML_DEPTH = 20
_MAX_JSON_DEPTH = 100
_MAX_JSON_TOKENS = 500_000
"""Texts, commas and brackets; each makes an object, which is larger than its text."""

_MAX_DIGITS = 400
"""Digits of a whole number; more take long to convert, and a float has at most 309."""


def read_text_file(path: Path, max_bytes: int) -> str:
    """Return the text of a file, with line feeds as line ends.

    Args:
        path, max_bytes: as for `read_file`.

    Raises:
        UsageError: as `read_file`, or it is not UTF-8.
    """
    try:
        return read_file(path, max_bytes).decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UsageError(f"{excerpt(spell_out(path.name))}: it is not UTF-8 text") from None


def read_file(path: Path, max_bytes: int) -> bytes:
    """Return the bytes of a file.

    Args:
        path: the file.
        max_bytes: its largest size.

    Raises:
        UsageError: it is missing, no regular file, too large, or cannot be read.
    """
    name = excerpt(spell_out(path.name))
    try:
        return read_regular_file(path, max_bytes)
    except FileNotFoundError:
        raise UsageError(f"{name}: there is no such file") from None
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or error
        raise UsageError(f"{name}: it cannot be read: {problem}") from None


def read_regular_file(path: Path, max_bytes: int) -> bytes:
    """Return the bytes of a file.

    Args:
        path, max_bytes: as for `read_file`.

    Raises:
        OSError: it is missing or cannot be read.
        ValueError: it is not a regular file, or it is too large.
    """
    # A pipe that nobody writes to would be waited for without O_NONBLOCK, which Windows lacks.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is not a file")
        if status.st_size > max_bytes:
            raise ValueError(f"it is larger than {max_bytes / 2**20:g} MiB")
        return file.read(max_bytes + 1)


def parse_json(text: str) -> Any:
    """Return the value of a JSON text (RFC 8259, without NaN and Infinity).

    Raises:
        ValueError: it is not JSON, too deep or too large, has a number with too many digits, or
            the same name twice in an object.

    Example:
        >>> parse_json('{"a": [1, 2]}')
        {'a': [1, 2]}
    """
    if sum(1 for _ in islice(_JSON_TOKEN.finditer(text), _MAX_JSON_TOKENS + 1)) > _MAX_JSON_TOKENS:
        raise ValueError("it has too many values")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_make_object,
            parse_constant=_refuse_constant,
            parse_int=_parse_int,
        )
    except RecursionError:
        raise ValueError("it is too deep") from None
    if _depth(value) > _MAX_JSON_DEPTH:
        raise ValueError("it is too deep")
    return value


_JSON_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+|[,{\[]', re.DOTALL)


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        ((name, _),) = counts.most_common(1)
        raise ValueError(f"an object has the name {excerpt(spell_out(name))!r} twice")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _parse_int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number has too many digits")
    return int(digits)


def _depth(value: Any) -> int:
    """Return how deep a value is; a text or a number is 0."""
    depth, level = 0, [value]
    while level := [
        item
        for part in level
        if isinstance(part, dict | list)
        for item in (part.values() if isinstance(part, dict) else part)
    ]:
        depth += 1
    return depth


def parse_yaml(text: str) -> Any:
    """Return the value of a YAML text: names, texts, numbers, lists; no alias, no tag, no date.

    An alias of an alias can make a small file a large value. A date is its text.

    Raises:
        ValueError: it is not such YAML, too long, or too deep.

    Example:
        >>> parse_yaml("since: 2024-02-30")
        {'since': '2024-02-30'}
    """
    if len(text) > _MAX_YAML_CHARS:
        raise ValueError("it is too long")
    try:
        return yaml.load(text, _PlainLoader)
    except (yaml.YAMLError, RecursionError, OverflowError, TypeError) as error:
        raise ValueError(f"it is not plain YAML: {str(error).splitlines()[0]}") from None


class _PlainLoader(yaml.SafeLoader):
    """PyYAML's safe loader without aliases, tags and dates, up to a depth; no name twice."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as in the base class
        char: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for char, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    _level = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has an alias (*name); write the value again")
        peek_event: Callable[[], Any] = self.peek_event
        if getattr(peek_event(), "tag", None) is not None:
            raise yaml.YAMLError("it has a tag (!name); write the plain value")
        if self._level >= _MAX_YAML_DEPTH:
            raise yaml.YAMLError("it is too deep")
        self._level += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._level -= 1

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        counts = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for name, count in counts.most_common(1):
            if count > 1:
                raise yaml.YAMLError(f"it has the name {excerpt(spell_out(name))!r} twice")
        return node

    def construct_yaml_int(self, node: Any) -> int:
        if len(node.value) > _MAX_DIGITS:
            raise yaml.YAMLError("a number has too many digits")
        return int(super().construct_yaml_int(node))


_construct_int: Callable[..., int] = _PlainLoader.construct_yaml_int
_PlainLoader.add_constructor("tag:yaml.org,2002:int", _construct_int)
