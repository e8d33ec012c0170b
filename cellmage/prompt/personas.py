"""Personas: a system prompt and sampling parameters, in a markdown file.

A persona is text. It may set the model and the sampling, and nothing else: never an address, a
key, a header or a tool, since files are shared and a key follows the address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..foreign_files import parse_yaml, read_file
from ..options import Options
from ..text import excerpt, truncate
from .named_files import find_files

MAX_BYTES = 2**20
"""The largest file of a persona."""

_MAX_DESCRIPTION_CHARS = 200
_MAX_NAMES_CHARS = 500

_FIELDS = {"model": str, "temperature": (int, float), "max_tokens": int}
"""Fields of `Options` that a persona may set, with their types."""

_PARAMS = {
    "top_p": (int, float),
    "frequency_penalty": (int, float),
    "presence_penalty": (int, float),
    "seed": int,
}
"""Parameters of the provider that a persona may set, with their types."""

_FILE_MODELS = ("gguf/",)
"""Models that open a file: a persona of somebody else must not choose which."""

_FORBIDDEN = {"base_url", "api_key", "headers", "tools"}


@dataclass(frozen=True, slots=True)
class Persona:
    """A named system prompt and the options that go with it.

    Args:
        name: the name of its file, without ``.md``.
        description: one line for a list of personas.
        options: the system prompt, and the fields that the file sets.
    """

    name: str
    description: str
    options: Options


def find_personas(folders: list[Path]) -> Mapping[str, Path]:
    """Return the files of all personas by name; the first folder that has a name wins.

    A name is only ever looked up here, never made into a path.

    Args:
        folders: where to look before the built-in ones.
    """
    paths: dict[str, Path] = {}
    for folder in [*folders, Path(str(files(__package__) / "personas"))]:
        for path in find_files(folder, "*.md"):
            paths.setdefault(path.stem, path)
    return dict(sorted(paths.items()))


def load_persona(name: str, folders: list[Path]) -> Persona:
    """Read a persona.

    Args:
        name: the name of its file, without ``.md``.
        folders: where to look before the built-in ones.

    Raises:
        UsageError: there is none of this name, or its file cannot be used.

    Example:
        >>> load_persona("terse", []).options.temperature
        0.3
    """
    paths = find_personas(folders)
    if name not in paths:
        if name.startswith(("/", ".")):
            raise UsageError(
                f"there is no persona {excerpt(name)!r}: a persona has a name; put the file into "
                "llm_personas/"
            )
        names = truncate(", ".join(paths), _MAX_NAMES_CHARS)
        raise UsageError(f"there is no persona {excerpt(name)!r}; there are {names}")
    return parse_persona(name, read_file(paths[name], MAX_BYTES))


def parse_persona(name: str, data: bytes) -> Persona:
    """Parse the file of a persona: YAML between ``---`` lines, then the system prompt.

    Args:
        name: the name of the persona.
        data: the bytes of its file.

    Raises:
        UsageError: the file is not text, not YAML, or sets what a persona may not set.

    Example:
        >>> parse_persona("calm", b"---\\ntemperature: 0.2\\n---\\nBe calm.").options.system
        'Be calm.'
    """
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UsageError(f"persona {name!r}: the file is not UTF-8 text") from None
    metadata, system = _front_matter(name, text)
    if forbidden := _FORBIDDEN & metadata.keys():
        raise UsageError(f"persona {name!r} may not set {', '.join(sorted(forbidden))}")
    fields = _check_types(name, metadata, _FIELDS)
    params = _check_types(name, metadata, _PARAMS)
    models = str(fields.get("model", "")).split(",")
    if any(model.strip().startswith(_FILE_MODELS) for model in models):
        raise UsageError(
            f"persona {name!r} may not choose a file of this machine as its model; give it with -m"
        )
    try:
        droppable = sorted((fields.keys() - {"model", "max_tokens"}) | params.keys()) or None
        options = Options(
            system=system.strip() or None, extra_body=params, droppable=droppable, **fields
        )
    except UsageError as error:
        raise UsageError(f"persona {name!r}: {error}", option=error.option) from None
    description = truncate(str(metadata.get("description", "")), _MAX_DESCRIPTION_CHARS)
    return Persona(name, description, options)


def _front_matter(name: str, text: str) -> tuple[Mapping[str, Any], str]:
    """Return the values between the ``---`` lines, and the text after them."""
    if not text.startswith("---\n"):
        return {}, text
    source, end_line, body = (text[4:] + "\n").partition("\n---\n")
    if not end_line:
        raise UsageError(f"persona {name!r}: the front matter has no closing ---")
    try:
        values = parse_yaml(source)
    except ValueError as error:
        raise UsageError(f"persona {name!r}: the front matter cannot be used: {error}") from None
    if values is not None and not isinstance(values, dict):
        raise UsageError(
            f"persona {name!r}: the front matter is not plain YAML of names and values"
        )
    return values or {}, body


def _check_types(
    name: str, metadata: Mapping[str, Any], types: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values of these names that are set; each must have its type."""
    values = {key: metadata[key] for key in types if metadata.get(key) is not None}
    for key, value in values.items():
        if isinstance(value, bool) or not isinstance(value, types[key]):
            text = truncate(repr(value), 40)
            raise UsageError(f"persona {name!r}: {key} is {text}, which is not a {key}")
    return values
