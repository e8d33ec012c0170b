"""A full-text index of documents, in one SQLite file: what is found is put before a question."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from .errors import UsageError
from .events import Document

SUFFIXES = (".md", ".txt", ".rst", ".py", ".ipynb", ".html", ".csv", ".json", ".tex", ".log")
MAX_BYTES = 4 * 2**20
"""Files that are read, by the ends of their names, and the largest of them."""

_WORDS = 32

PASSAGE = 1_500
"""Characters in a passage, about: a document is found by its passages."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, stamp TEXT NOT NULL, title TEXT NOT NULL
);
CREATE VIRTUAL TABLE IF NOT EXISTS passages USING fts5 (
    title, text, file UNINDEXED, line UNINDEXED, tokenize = 'porter unicode61'
);
"""
_WORD = re.compile(r"\w+")
_HEADING = re.compile(r"^(?:#+\s+(\S.*)|=+\s*(\S.*?)\s*=+)$", re.MULTILINE)
_DOCSTRING = re.compile(r'\A(?:#[^\n]*\n|\s)*[rRuU]?(?:"""|\'\'\'|"|\')\s*([^\n"]+)')
_BREAK = re.compile(r"\n\s*\n|\n(?=#|def |class )")


class Index:
    """A full-text index with BM25 ranking.

    Args:
        path: the file; it is made when something is added.

    Example:
        >>> from tempfile import mkdtemp
        >>> folder = Path(mkdtemp())
        >>> _ = (folder / "tides.md").write_text("# Tides\\n\\nThe moon pulls the sea.")
        >>> _ = (folder / "bread.md").write_text("# Bread\\n\\nFlour and water.")
        >>> index = Index(folder / "index.db")
        >>> index.add([folder]), [found.title for found in index.search("What pulls the sea?")]
        (2, ['Tides'])
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(
        self, paths: Iterable[Path], progress: Callable[[int, int], object] = lambda *_: None
    ) -> int:
        """Index files, and folders with all that is in them; what has not changed is left alone.

        Args:
            paths: files and folders. What is gone from a folder is taken out.
            progress: called now and then with how many files of how many are done.

        Returns:
            how many files were read.

        Raises:
            UsageError: there is no such file or folder, or none that can be read.
        """
        roots = [Path(os.path.abspath(path)) for path in paths]
        for root in roots:
            if not root.exists():
                raise UsageError(f"there is no file or folder {root}")
        files = dict(_files(roots))
        if not files:
            raise UsageError(f"no file here can be read; names end in {', '.join(SUFFIXES)}")
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        with closing(self._open()) as connection, connection:
            known = dict(connection.execute("SELECT path, stamp FROM files"))
            stale = [path for path in known if path not in files and _is_below(path, roots)]
            fresh = [path for path, stamp in files.items() if known.get(path) != stamp]
            _forget(connection, [*stale, *(path for path in fresh if path in known)])
            for number, path in enumerate(fresh):
                if number % 100 == 0:
                    progress(number, len(fresh))
                _read(connection, path, files[path])
            progress(len(fresh), len(fresh))
        return len(fresh)

    def search(self, query: str, limit: int = 5) -> list[Document]:
        """The passages that suit a question best, one of each document.

        Raises:
            UsageError: nothing is indexed yet.
        """
        if not self.path.exists():
            raise UsageError("nothing is indexed under this name; %llm_index FOLDER --name NAME")
        found: dict[int, Document] = {}
        with closing(self._open()) as connection:
            for match in _queries(query):
                rows = connection.execute(_SEARCH, (match, 4 * limit))
                for file, *facts in rows:
                    found.setdefault(file, Document(*facts))
                if len(found) >= limit:
                    break
        return list(found.values())[:limit]

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path)
        connection.executescript(_SCHEMA)
        return connection


# Words that say nothing of what is looked for, and are in every passage.
_COMMON = frozenset(
    """a an and are as at be by can do does for from has have how i if in is it its of on or that
    the this to was what when where which who why will with you""".split()  # noqa: SIM905
)


_SEARCH = """
SELECT p.file, f.title, p.text, f.path, p.line FROM passages AS p JOIN files AS f ON f.id = p.file
WHERE passages MATCH ? ORDER BY bm25(passages, 4.0, 1.0) LIMIT ?
"""


def _queries(question: str) -> Iterator[str]:
    """What is looked for, the strictest first: all words, fewer and fewer, any of them.

    Long words are rare ones, mostly: to rank all that holds any word of a question takes ten times
    as long, and finds no more.
    """
    words = list(dict.fromkeys(_WORD.findall(question.casefold())))
    words = [word for word in words if word not in _COMMON][:_WORDS]
    rare = sorted(words, key=len, reverse=True)
    for count in dict.fromkeys([len(words), *range(min(4, len(words)), 1, -1)]):
        if count:
            yield " AND ".join(f'"{word}"' for word in rare[:count])
    if words:
        yield " OR ".join(f'"{word}"' for word in rare[:4])


def _files(roots: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """The files that can be read, each with a stamp that changes when it does."""
    for root in roots:
        found = [root] if root.is_file() else _below(root)
        for path in found:
            facts = path.stat()
            if path.suffix.lower() in SUFFIXES and 0 < facts.st_size <= MAX_BYTES:
                yield str(path), f"{facts.st_mtime_ns} {facts.st_size}"


def _below(root: Path) -> Iterator[Path]:
    """The files in a folder, without hidden ones and without links."""
    for where, folders, names in os.walk(root):
        folders[:] = [each for each in folders if not each.startswith((".", "__pycache__"))]
        for name in names:
            path = Path(where, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path


def _is_below(path: str, roots: Sequence[Path]) -> bool:
    return any(Path(path).is_relative_to(root) for root in roots)


def _forget(connection: sqlite3.Connection, paths: Sequence[str]) -> None:
    ids = [
        connection.execute("SELECT id FROM files WHERE path = ?", (path,)).fetchone()
        for path in paths
    ]
    connection.executemany("DELETE FROM passages WHERE file = ?", ids)
    connection.executemany("DELETE FROM files WHERE id = ?", ids)


def _read(connection: sqlite3.Connection, path: str, stamp: str) -> None:
    text = Path(path).read_text("utf-8", "replace")
    stem = Path(path).stem.replace("_", " ")
    heading = (_DOCSTRING if path.endswith(".py") else _HEADING).search(text[:4000])
    title = next(filter(None, heading.groups()), stem) if heading else stem
    row = connection.execute(
        "INSERT INTO files (path, stamp, title) VALUES (?, ?, ?)", (path, stamp, title)
    )
    connection.executemany(
        "INSERT INTO passages (title, text, file, line) VALUES (?, ?, ?, ?)",
        ((f"{stem} {title}", passage, row.lastrowid, line) for passage, line in passages(text)),
    )


def passages(text: str) -> Iterator[tuple[str, int]]:
    """A text in passages, cut between paragraphs where it can be; each with its first line.

    Example:
        >>> [line for _, line in passages("one\\n\\n" + "word " * 400 + "\\n\\nlast")]
        [1, 3]
    """
    start, line = 0, 1
    while start < len(text):
        end = _end(text, start)
        passage = text[start:end]
        if passage.strip():
            skipped = len(passage) - len(passage.lstrip("\n"))
            yield passage.strip(), line + skipped
        line += passage.count("\n")
        start = end


def _end(text: str, start: int) -> int:
    """Where a passage ends: at the last break before it is too long, else at a space."""
    limit = start + PASSAGE
    if limit >= len(text):
        return len(text)
    breaks = [match.end() for match in _BREAK.finditer(text, start + PASSAGE // 3, limit)]
    if breaks:
        return breaks[-1]
    space = text.rfind(" ", start + PASSAGE // 2, limit)
    return space + 1 if space > 0 else limit
