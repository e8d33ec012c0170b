"""Tab on the line of a magic: its flags with their help, and values that fit. Nothing is asked."""

from __future__ import annotations

import re
from argparse import Action
from dataclasses import dataclass

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic_arguments import MagicArgumentParser

from ..text import truncate
from .completion_values import Sources
from .parsing import declared

_LINE = re.compile(r"\s*(?:[\w.]+\s*=\s*)?%{1,2}(?P<name>\w+)[ \t](?P<rest>.*)$")
_WORD = re.compile(r"""(?:"[^"]*(?:"|$)|'[^']*(?:'|$)|[^\s"'])+""")
_IDENTIFIER = "cellmage"
_NOTE_CHARS = 48
_UNBROKEN = str.maketrans({" ": "\u00a0", "-": "\u2011"})
_MAX_OFFERS = 500
"""The values that are offered at most; IPython shows as many."""


@dataclass(frozen=True, slots=True)
class _Place:
    """What stands before the cursor.

    Args:
        words: the complete words behind the magic.
        fragment: the beginning of the word at the cursor; empty behind a blank.
        action: the flag whose value is at the cursor; None for a flag.
        index: which value of that flag.
    """

    words: list[str]
    fragment: str
    action: Action | None
    index: int


class _NoCompletions(list[SimpleCompletion]):
    """No completions, and IPython asks no other matcher: those would offer Python's names.

    IPython goes on to the others where the length is 0.
    """

    def __len__(self) -> int:
        return 1


class FlagMatcher:
    """Finds what fits at the cursor on the lines of our magics.

    Args:
        sources: the values that fit, by flag.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def __call__(self, context: CompletionContext) -> SimpleMatcherResult:
        """Return what fits at the cursor; on other lines nothing, and other matchers go on."""
        nothing: SimpleMatcherResult = {"completions": [], "suppress": False}
        found = _LINE.match(context.text_until_cursor)
        parser = declared.get(found["name"]) if found else None
        if found is None or parser is None:
            return nothing
        place = _find_place(parser, found["rest"])
        if place is None:
            return nothing
        offers, fragment = self._offers(parser, place)
        return {
            "completions": offers[:_MAX_OFFERS] or _NoCompletions(),
            "matched_fragment": fragment,
            "suppress": True,
            "ordered": True,
        }

    def _offers(
        self, parser: MagicArgumentParser, place: _Place
    ) -> tuple[list[SimpleCompletion], str]:
        """Return the completions at a place, and the text that they replace."""
        if place.action is None:
            return _flag_offers(parser, place), place.fragment
        head, _, value = place.fragment.partition("=")
        fragment = value if head.startswith("-") else place.fragment
        quote = fragment[:1] if fragment[:1] in ("'", '"') else ""
        # IPython replaces the fragment, which begins after a quote and after a comma.
        fragment = fragment.removeprefix(quote)
        if self._sources.is_list(place.action.dest):
            fragment = fragment.rpartition(",")[2]
        values = self._sources.values(place.action, place.index, fragment, place.words)
        fitting = [pair for pair in values if pair[0].startswith(fragment)]
        return [
            SimpleCompletion(text=_quoted(value, quote), type=_one_line(note) or "value")
            for value, note in fitting
        ], fragment


def _quoted(value: str, quote: str) -> str:
    """Return a value as it is typed: one with blanks in quotes."""
    return value if quote or not re.search(r"\s", value) else f'"{value}"'


def _flag_offers(parser: MagicArgumentParser, place: _Place) -> list[SimpleCompletion]:
    """Return the flags that begin as the fragment; not one that stands on the line already."""
    used = {word.partition("=")[0] for word in place.words if word.startswith("-")}
    offers = []
    for group in parser._action_groups:
        for action in group._group_actions:
            is_repeatable = "append" in type(action).__name__.lower() or action.nargs == 2
            if is_repeatable or used.isdisjoint(action.option_strings):
                names = [name for name in action.option_strings if name.startswith("--")]
                offers += [
                    SimpleCompletion(text=name, type=_help(action))
                    for name in names
                    if name.startswith(place.fragment or "--")
                ]
    return offers


def _help(action: Action) -> str:
    """Return the first sentence of a flag's help, which a page shows beside the flag."""
    text = " ".join((action.help or "flag").replace("%%", "%").split())
    sentence = re.split(r"(?<=[.:])\s", text, maxsplit=1)[0].rstrip(".:")
    return _one_line(sentence)


def _one_line(note: str) -> str:
    """Return a note that a page does not wrap, where it would cover the next line."""
    return truncate(note, _NOTE_CHARS).translate(_UNBROKEN)


def _find_place(parser: MagicArgumentParser, rest: str) -> _Place | None:
    """Return where the cursor is; None in the text behind the flags."""
    words = _WORD.findall(rest)
    fragment = words.pop() if words and rest.endswith(words[-1]) and not rest[-1:].isspace() else ""
    waiting: list[tuple[Action, int]] = []
    for word in words:
        if waiting:
            waiting.pop(0)
        elif word == "--" or not word.startswith("-"):
            return None
        else:
            waiting = _values_of(parser, word)
    if waiting:
        return _Place(words, fragment, *waiting[0])
    if not fragment or fragment.startswith("-"):
        action = _action_of(parser, fragment) if "=" in fragment else None
        return _Place(words, fragment, action, 0)
    return None


def _values_of(parser: MagicArgumentParser, word: str) -> list[tuple[Action, int]]:
    """Return the values that a flag takes after it."""
    action = _action_of(parser, word)
    if action is None or action.nargs in (0, "?") or "=" in word:
        return []
    count = action.nargs if isinstance(action.nargs, int) else 1
    return [(action, index) for index in range(count)]


def _action_of(parser: MagicArgumentParser, word: str) -> Action | None:
    return parser._option_string_actions.get(word.partition("=")[0])


def install(shell: InteractiveShell, sources: Sources) -> None:
    """Add the matcher to the completer of a shell; it may have none."""
    remove(shell)
    if shell.Completer is not None:
        match = FlagMatcher(sources)

        # IPython asks a matcher for its name, so it is a function.
        @context_matcher(identifier=_IDENTIFIER, priority=100)  # type: ignore[untyped-decorator]
        def match_flags(context: CompletionContext) -> SimpleMatcherResult:
            return match(context)

        shell.Completer.custom_matchers.append(match_flags)


def remove(shell: InteractiveShell) -> None:
    """Remove the matcher."""
    if shell.Completer is not None:
        matchers = shell.Completer.custom_matchers
        matchers[:] = [
            each for each in matchers if getattr(each, "matcher_identifier", "") != _IDENTIFIER
        ]
