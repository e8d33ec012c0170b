"""The values that fit a flag: names that are in memory, or in the folders of the notebook."""

from __future__ import annotations

import inspect
import os
from argparse import Action
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..background.answer import BackgroundAnswer
from ..errors import CellmageError
from ..mcp import check_file
from ..model_table import MODEL_NAMES
from ..prompt.personas import find_personas
from ..prompt.snippets import hole_names, read_snippet, snippet_names
from ..providers.catalogue import Offer
from .aliases import Aliases
from .conversations import ConversationRegistry
from .lookup import IPYTHON_NAMES, MCP_PREFIX, PROVIDER_TOOLS, PYTHON_TOOL
from .settings import Settings

Value = tuple[str, str]
"""A value, and a word or two about it."""

_LISTS = {"compare", "fallback", "watch"}
"""The flags whose value is a list with commas."""

_MAX_FILES = 200


@dataclass(slots=True)
class Sources:
    """Where the values of flags come from.

    Args:
        settings: the settings, with the folders of personas.
        chats: the conversations of the notebook.
        variables: the variables of the user.
        aliases: the aliases of models.
        snippets: the folders of snippets.
        offers: the models that servers listed last.
        jobs: returns the answers in the background that are under way.
    """

    settings: Settings
    chats: ConversationRegistry
    variables: Mapping[str, Any]
    aliases: Aliases
    snippets: Sequence[Path]
    offers: Sequence[Offer] = ()
    jobs: Callable[[], Sequence[BackgroundAnswer]] = tuple

    def is_list(self, dest: str) -> bool:
        """Return whether the value of a flag is a list with commas."""
        return dest in _LISTS

    def values(
        self, action: Action, index: int, fragment: str, words: Sequence[str]
    ) -> Iterable[Value]:
        """Return the values of a flag; none where anything may stand, or a file is damaged.

        Args:
            action: the flag.
            index: which of its values.
            fragment: the beginning of the value.
            words: the words before it.
        """
        if action.choices:
            return [(str(choice), "") for choice in action.choices]
        find = _FINDERS.get((action.dest, index))
        try:
            return find(self, fragment, words) if find else ()
        except (CellmageError, OSError):
            return ()


def _models(sources: Sources, fragment: str, words: Sequence[str]) -> Iterable[Value]:
    """Return aliases, then what servers listed last, then the names of the table."""
    values = {name: f"alias of {model}" for name, (model, _) in sources.aliases.all().items()}
    for offer in sources.offers:
        for model in offer.models:
            values.setdefault(model, f"listed by {offer.server}")
    for name in MODEL_NAMES:
        has_prefix = fragment.startswith("openai/") and "/" not in name
        values.setdefault(f"openai/{name}" if has_prefix else name, "model")
    return values.items()


def _personas(sources: Sources, fragment: str, words: Sequence[str]) -> Iterable[Value]:
    return [(name, "persona") for name in find_personas(sources.settings.folders)]


def _snippets(sources: Sources, fragment: str, words: Sequence[str]) -> Iterable[Value]:
    return [(name, "snippet") for name in snippet_names(sources.snippets)]


def _holes(sources: Sources, fragment: str, words: Sequence[str]) -> Iterable[Value]:
    """Return the holes of the snippets that are on the line."""
    pairs = pairwise(words)
    names = [name for flag, name in pairs if flag in ("--snippet", "--sys-snippet")]
    texts = [read_snippet(name, sources.snippets) for name in names]
    return [(f"{hole}=", "hole") for text in texts for hole in hole_names(text)]


def _chats(sources: Sources, fragment: str, words: Sequence[str]) -> Iterable[Value]:
    return [(name, f"{count} turns") for name, count, _ in sources.chats.summaries() if name]


def _functions(sources: Sources) -> list[Value]:
    return [(name, "function") for name, value in _visible(sources) if inspect.isroutine(value)]


def _jobs(sources: Sources, fragment: str, words: Sequence[str]) -> Iterable[Value]:
    under_way = [(str(job.number), job.question) for job in sources.jobs()]
    return [("all", "all answers in the background"), *under_way]


def _tools(sources: Sources, fragment: str, words: Sequence[str]) -> Iterable[Value]:
    file = sources.settings.mcp
    servers = [(f"{MCP_PREFIX}{name}", "MCP server") for name in (check_file(file) if file else ())]
    provided = [(name, "search of the provider") for name in PROVIDER_TOOLS]
    own = [(PYTHON_TOOL, "Python in a copy of the kernel")]
    return [*_functions(sources), *servers, *provided, *own]


def _retrievers(sources: Sources, fragment: str, words: Sequence[str]) -> Iterable[Value]:
    return _functions(sources)


def _attachments(sources: Sources, fragment: str, words: Sequence[str]) -> Iterable[Value]:
    variables = [(name, type(value).__name__) for name, value in _visible(sources)]
    return [*variables, *_files(sources, fragment, words)]


def _files(sources: Sources, fragment: str, words: Sequence[str]) -> Iterable[Value]:
    """Return the files and folders that begin with a text, in the folder that it names."""
    head, name = os.path.split(fragment)
    values = []
    with os.scandir(os.path.expanduser(head) or ".") as entries:
        for entry in entries:
            is_hidden = entry.name.startswith(".") and not name.startswith(".")
            if entry.name.startswith(name) and not is_hidden and entry.name.isprintable():
                path = os.path.join(head, entry.name)
                values.append((f"{path}/", "folder") if entry.is_dir() else (path, "file"))
            if len(values) == _MAX_FILES:
                break
    return sorted(values)


def _schemas(sources: Sources, fragment: str, words: Sequence[str]) -> Iterable[Value]:
    """Return pydantic models and JSON schemas."""
    return [
        (name, "model" if inspect.isclass(value) else "JSON schema")
        for name, value in _visible(sources)
        if (isinstance(value, dict) and not {"type", "properties", "$ref"}.isdisjoint(value))
        or (inspect.isclass(value) and hasattr(value, "model_json_schema"))
    ]


def _texts(sources: Sources, fragment: str, words: Sequence[str]) -> Iterable[Value]:
    """Return variables that have a text: an answer may replace it."""
    return [(name, "text") for name, value in _visible(sources) if isinstance(value, str)]


def _booleans(sources: Sources, fragment: str, words: Sequence[str]) -> Iterable[Value]:
    return [("True", ""), ("False", "")]


def _own_aliases(sources: Sources, fragment: str, words: Sequence[str]) -> Iterable[Value]:
    return [(name, f"alias of {model}") for name, (model, _) in sources.aliases.all().items()]


def _visible(sources: Sources) -> list[tuple[str, Any]]:
    """Return the variables of the user: not those with an underscore, which are IPython's."""
    items = list(sources.variables.items())
    return [(name, each) for name, each in items if name[:1] != "_" and name not in IPYTHON_NAMES]


Finder = Callable[[Sources, str, Sequence[str]], Iterable[Value]]
_FINDERS: Mapping[tuple[str, int], Finder] = {
    ("model", 0): _models,
    ("compare", 0): _models,
    ("select", 0): _models,
    ("fallback", 0): _models,
    ("alias", 1): _models,
    ("remove_alias", 0): _own_aliases,
    ("persona", 0): _personas,
    ("snippet", 0): _snippets,
    ("sys_snippet", 0): _snippets,
    ("set", 0): _holes,
    ("chat", 0): _chats,
    ("stop", 0): _jobs,
    ("tool", 0): _tools,
    ("rag", 0): _retrievers,
    ("attach", 0): _attachments,
    ("schema", 0): _schemas,
    ("out", 0): _texts,
    ("mcp", 0): _files,
    ("import_", 0): _files,
    ("export", 0): _files,
    ("stream_by_default", 0): _booleans,
    ("collapse", 0): _booleans,
    ("bar", 0): _booleans,
    ("rules", 0): _booleans,
}
"""What finds the values of a flag, by the flag and the number of the value."""
