"""Aliases: short names of models, from the user's config file and from the file of a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from ..errors import UsageError
from ..foreign_files import parse_json, parse_yaml, read_text_file
from ..options import Options
from ..text import excerpt, spell_out

FOLDER_FILES = (
    ".cellmage_models.yml",
    "cellmage_models.yml",
    ".config/.cellmage_models.yml",
    ".config/cellmage_models.yml",
    "config/.cellmage_models.yml",
    "config/cellmage_models.yml",
)
"""The files of a project, in its folder or in one above it: lines ``ALIAS: MODEL``."""

_MAX_BYTES = 2**20
_MAX_CHARS = 200
_KEY = "aliases"


class Aliases:
    """The aliases of a user and of a project; those of the user come first.

    Args:
        folder: the folder of the notebook.
        config_file: the file of the user's aliases; it need not exist.

    Example:
        >>> from tempfile import mkdtemp
        >>> aliases = Aliases(Path(mkdtemp()), Path(mkdtemp()) / "config.json")
        >>> aliases.change([["fast", "openai/gpt-6-luna"]], [])
        >>> aliases.expand("fast"), aliases.expand("gpt-6-sol")
        ('openai/gpt-6-luna', 'gpt-6-sol')
    """

    def __init__(self, folder: Path, config_file: Path | None = None) -> None:
        self._folder = folder
        self.config_file = config_file or user_config_path("cellmage") / "config.json"
        self._read: dict[Path, tuple[tuple[int, int], dict[str, str]]] = {}

    def all(self) -> dict[str, tuple[str, Path]]:
        """Return the model of each alias, with the file that names it.

        Raises:
            UsageError: a file cannot be read.
        """
        files = [self.config_file, *self._project_file()]
        pairs = [(self._aliases_of(path), path) for path in reversed(files)]
        return {name: (model, path) for names, path in pairs for name, model in names.items()}

    def expand(self, name: str | None) -> str | None:
        """Return the model of an alias, also by way of other aliases; any other name as it is."""
        if name is None:
            return None
        models = {alias: model for alias, (model, _) in self.all().items()}
        for _ in range(len(models)):  # aliases of a file may lead to themselves
            name = models.get(name, name)
        return name

    def expand_options(self, options: Options) -> Options:
        """Return options whose models are no aliases: those of ``model`` and ``fallback``."""
        if options.model is None and not options.fallback:
            return options
        names = (options.model or "").split(",")
        model = ",".join(self.expand(name.strip()) or "" for name in names) or None
        fallback = tuple(self.expand(name) or name for name in options.fallback or ())
        return replace(options, model=model, fallback=fallback or options.fallback)

    def expand_list(self, names: Iterable[str] | None) -> list[str] | None:
        """Return a list of models without aliases; None stays None."""
        return None if names is None else [self.expand(name) or name for name in names]

    def change(self, added: Iterable[list[str]], removed: Iterable[str]) -> None:
        """Add and remove aliases in the user's config file.

        Args:
            added: pairs of an alias and its model.
            removed: names of aliases.

        Raises:
            UsageError: a name cannot be used, or there is no alias to remove; nothing has changed.
        """
        config = self._config()
        names = _checked(config.get(_KEY, {}), self.config_file)
        for name in removed:
            if name not in names:
                raise UsageError(f"--remove-alias {excerpt(name)}: {self._missing(name)}")
            del names[name]
        for name, model in added:
            if problem := _problem(name, model):
                raise UsageError(f"--alias {excerpt(name)} {excerpt(model)}: {problem}")
            names[name] = model
            if _leads_to_itself(name, names):
                raise UsageError(
                    f"--alias {excerpt(name)} {excerpt(model)}: it leads to itself; name a model"
                )
        _write(self.config_file, config | {_KEY: names})

    def _missing(self, name: str) -> str:
        _, path = self.all().get(name, ("", None))
        return f"it is a line of {path}; remove it there" if path else "there is no such alias"

    def _project_file(self) -> Iterator[Path]:
        """Yield the first file of aliases in the folder or one above it."""
        folders = (self._folder, *self._folder.parents)
        paths = (folder / name for folder in folders for name in FOLDER_FILES)
        yield from (path for _, path in zip(range(1), filter(os.path.isfile, paths), strict=False))

    def _config(self) -> dict[str, Any]:
        if not self.config_file.exists():
            return {}
        try:
            config = parse_json(read_text_file(self.config_file, _MAX_BYTES))
        except ValueError as error:
            raise UsageError(f"{self.config_file}: {error}; correct or delete the file") from None
        if not isinstance(config, dict):
            raise UsageError(f"{self.config_file}: it is no JSON object; correct or delete it")
        return config

    def _aliases_of(self, path: Path) -> dict[str, str]:
        """Return the aliases of a file; it is read again when it has changed."""
        try:
            status = path.stat()
        except OSError:
            return {}
        version = (status.st_mtime_ns, status.st_size)
        if self._read.get(path, (None,))[0] != version:
            values = self._config().get(_KEY, {}) if path == self.config_file else _read_yaml(path)
            self._read[path] = (version, _checked(values, path))
        return dict(self._read[path][1])


def _read_yaml(path: Path) -> Any:
    try:
        return parse_yaml(read_text_file(path, _MAX_BYTES)) or {}
    except ValueError as error:
        raise UsageError(f"{path.name}: {error}; correct the file, or rename it") from None


def _checked(values: Any, path: Path) -> dict[str, str]:
    """Return the aliases of a file, which somebody else may have written."""
    if not isinstance(values, dict):
        raise UsageError(f"{path.name}: it has no lines ALIAS: MODEL; correct the file")
    for name, model in values.items():
        if problem := _problem(name, model):
            line = excerpt(spell_out(f"{name}: {model}"))
            raise UsageError(f"{path.name}: {line}: {problem}; correct the file")
    return dict(values)


def _problem(name: Any, model: Any) -> str:
    """Return why an alias cannot be used; empty if it can.

    A name with a slash is the name of a model at a server, and a model that opens a file is chosen
    where it is used.
    """
    if not isinstance(name, str) or not isinstance(model, str):
        return "an alias and its model are texts"
    if not name or not set(name).isdisjoint("/, \t\n") or name.startswith("-"):
        return "an alias has no slash, no comma, no blank, and does not begin with -"
    if not model or len(name) > _MAX_CHARS or len(model) > _MAX_CHARS:
        return f"a name has 1 to {_MAX_CHARS} characters"
    if spell_out(name) != name or spell_out(model) != model or not set(model).isdisjoint(", \t\n"):
        return "the name of a model has no comma, no blank and nothing invisible"
    return "an alias cannot open a file" if model.startswith("gguf/") else ""


def _leads_to_itself(name: str, names: Mapping[str, str]) -> bool:
    """Return whether the model of an alias is, by way of other aliases, the alias."""
    model = names[name]
    for _ in names:
        if model == name:
            return True
        model = names.get(model, model)
    return False


def _write(path: Path, config: Mapping[str, Any]) -> None:
    """Write the config file: all of it, or nothing."""
    text = json.dumps(config, indent=2, ensure_ascii=False)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(f"{text}\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise UsageError(f"{path}: it cannot be written: {error.strerror or error}") from None
