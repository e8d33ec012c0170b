"""Personas: a system prompt and how to sample, in a markdown file.

A persona is text. It may set the model and the sampling, and nothing else: never an address, a
key, a header or a tool, since files are shared and a key follows the address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from ..errors import UsageError
from ..options import Options

MAX_BYTES = 2**20

_FIELDS = {"model": str, "temperature": (int, float), "max_tokens": int}
_PARAMS = {
    "top_p": (int, float),
    "frequency_penalty": (int, float),
    "presence_penalty": (int, float),
    "seed": int,
}
_FORBIDDEN = {"base_url", "api_key", "headers", "tools"}


@dataclass(frozen=True, slots=True)
class Persona:
    """A system prompt with a name, and the options that go with it."""

    name: str
    description: str
    options: Options


def personas(folders: list[Path]) -> Mapping[str, Path]:
    """The files by the name of their persona; the first folder that has a name wins.

    A name is only ever looked up here, never made into a path.
    """
    found: dict[str, Path] = {}
    for folder in [*folders, Path(str(files(__package__) / "personas"))]:
        for path in _files(folder):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        home = folder.resolve()
        for path in sorted(folder.glob("*.md")):
            # A link that leads outside, a pipe or a device is not a persona.
            if path.is_file() and path.resolve().parent == home:
                yield path


def load_persona(name: str, folders: list[Path]) -> Persona:
    """Read a persona.

    Args:
        name: the name of its file, without ``.md``.
        folders: where to look before the built-in ones.

    Raises:
        UsageError: there is none of that name, or its file cannot be used.

    Example:
        >>> load_persona("terse", []).options.temperature
        0.3
    """
    known = personas(folders)
    if name not in known:
        raise UsageError(f"there is no persona {name!r}; there are {', '.join(known)}")
    path = known[name]
    if path.stat().st_size > MAX_BYTES:
        raise UsageError(f"{path.name} is larger than 1 MiB")
    return parse_persona(name, path.read_bytes())


def parse_persona(name: str, data: bytes) -> Persona:
    """A persona from the bytes of its file: YAML between ``---`` lines, then the system prompt.

    Raises:
        UsageError: the file is not text, not YAML, or sets what a persona may not set.

    Example:
        >>> parse_persona("calm", b"---\\ntemperature: 0.2\\n---\\nBe calm.").options.system
        'Be calm.'
    """
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise UsageError(f"persona {name!r}: the file is not UTF-8 text")
    head, body = _front_matter(name, text)
    if banned := _FORBIDDEN & head.keys():
        raise UsageError(f"persona {name!r} may not set {', '.join(sorted(banned))}")
    fields = {key: _checked(name, key, head[key], kind) for key, kind in _read(head, _FIELDS)}
    params = {key: _checked(name, key, head[key], kind) for key, kind in _read(head, _PARAMS)}
    try:
        options = Options(system=body.strip() or None, extra_body=params, **fields)
    except UsageError as error:
        problem = str(error)
    else:
        return _persona(name, head, options)
    raise UsageError(f"persona {name!r}: {problem}")


def _persona(name: str, head: Mapping[str, Any], options: Options) -> Persona:
    return Persona(name, " ".join(str(head.get("description", "")).split())[:200], options)


def _front_matter(name: str, text: str) -> tuple[Mapping[str, Any], str]:
    if not text.startswith("---\n"):
        return {}, text
    head, mark, body = (text[4:] + "\n").partition("\n---\n")
    if not mark:
        raise UsageError(f"persona {name!r}: the front matter has no closing ---")
    try:
        values = yaml.safe_load(head)
    except yaml.YAMLError:
        values = ""
    if values is not None and not isinstance(values, dict):
        raise UsageError(
            f"persona {name!r}: the front matter is not plain YAML of names and values"
        )
    return values or {}, body


def _read(head: Mapping[str, Any], kinds: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(key, kind) for key, kind in kinds.items() if head.get(key) is not None]


def _checked(name: str, key: str, value: Any, kind: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, kind):
        raise UsageError(f"persona {name!r}: {key} is {str(value)[:40]!r}, which is not a {key}")
    return value
