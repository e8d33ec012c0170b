"""Read the files that go into a prompt: snippets, and the rules of a folder."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from ..content import Part
from ..errors import UsageError
from ..options import Options
from ..prompt.snippets import Insert, fill, hole_names, read_rules, read_snippet
from ..text import excerpt
from .notebook_paths import working_folder

NamedText = tuple[str, str]
"""The name of a snippet, and its text."""


def snippet_folders() -> list[Path]:
    """Return the folders of snippets; none is created.

    A kernel starts in the notebook's folder: call this when the extension is loaded.
    """
    return [working_folder() / "llm_snippets", user_config_path("cellmage") / "snippets"]


@dataclass(frozen=True, slots=True)
class PromptTexts:
    """A prompt as it was typed, and the texts of files that go with it, with their holes.

    Args:
        text: the prompt.
        before: the snippets before the prompt.
        system: the snippets of the system prompt.
        rules: the rules of the folder; empty if none are used.
    """

    text: str
    before: Sequence[NamedText] = ()
    system: Sequence[NamedText] = ()
    rules: str = ""

    def fill(
        self, args: Namespace, variables: Mapping[str, Any], insert: Insert
    ) -> tuple[list[Part], str]:
        """Return the parts before the prompt, and what is added to the system prompt.

        Args:
            args: the flags of ``%%llm``.
            variables: the variables of the user, by name.
            insert: returns what is sent for a value.

        Raises:
            UsageError: a hole has no value.
        """
        given = _set_values(args.set)
        self._check_holes(given)
        values = {**variables, **given}
        before: list[Part] = []
        for name, text in self.before:
            before += [*_filled(name, text, args, values, insert), "\n\n"]
        system = [self.rules] if self.rules else []
        for name, text in self.system:
            parts = _filled(name, text, args, values, insert)
            if not all(isinstance(part, str) for part in parts):
                raise UsageError(f"--sys-snippet {excerpt(name)}: a system prompt has texts only")
            system.append("".join(map(str, parts)))
        return before, "\n\n".join(system)

    def _check_holes(self, given: Mapping[str, str]) -> None:
        """Raise an error for a value that no snippet has a hole for: it may be misspelled."""
        holes = {hole for _, text in (*self.before, *self.system) for hole in hole_names(text)}
        if unused := [name for name in given if name not in holes]:
            names = ", ".join(sorted(holes))
            has = f"the holes are {names}" if names else "there is no snippet with holes"
            raise UsageError(f"--set {excerpt(unused[0])}: no hole has this name; {has}")


class PromptFiles:
    """The files that may go into the prompts of a notebook.

    Args:
        folder: the folder of the notebook, whose rules may be used.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._snippets = snippet_folders()

    def read(self, args: Namespace, text: str, has_rules: bool) -> PromptTexts:
        """Return a prompt with the texts of its files.

        Args:
            args: the flags of ``%%llm``.
            text: the prompt, as the user typed it.
            has_rules: whether the rules of the folder are used.

        Raises:
            UsageError: there is no such snippet, or a file cannot be read.
        """
        return PromptTexts(
            text,
            self._texts(args.snippet),
            self._texts(args.sys_snippet),
            read_rules(self._folder) if has_rules else "",
        )

    def _texts(self, names: Sequence[str] | None) -> list[NamedText]:
        return [(name, read_snippet(name, self._snippets).strip()) for name in names or ()]


def add_system_text(options: Options, text: str) -> Options:
    """Return options with a text behind their system prompt; an empty one changes nothing."""
    return replace(options, system="\n\n".join(filter(None, [options.system, text])) or None)


def _filled(
    name: str, text: str, args: Namespace, values: Mapping[str, Any], insert: Insert
) -> list[Part]:
    return [text] if args.interpolate is False else fill(name, text, values, insert)


def _set_values(pairs: Sequence[str] | None) -> dict[str, str]:
    """Return the values of ``--set NAME=VALUE``, by name."""
    values = {}
    for pair in pairs or ():
        name, sign, value = pair.partition("=")
        if not sign or not name.strip().isidentifier():
            raise UsageError(f"--set {excerpt(pair)}: write NAME=VALUE, the name of a hole first")
        values[name.strip()] = value
    return values
