"""A full-text index of documents, in one SQLite file: what is found is put before a question."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import accumulate
from pathlib import Path

from .errors import UsageError
from .events import Document

SUFFIXES = (".md", ".txt", ".rst", ".py", ".ipynb", ".html", ".csv", ".json", ".tex", ".log")
MAX_BYTES = 4 * 2**20
"""Files that are read, by the ends of their names, and the largest of them."""

_WORDS = 32

RANKED = 4_000
"""Passages that are ranked for a question, about, and twice as many at most: it takes most of the
time. A word that is in more than `_MANY` passages does not count among others.
"""
_MANY = 8 * RANKED
_FEW = 8

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
            progress: called before each file, and at the end, with how many of how many are done.

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
                progress(number, len(fresh))
                _read(connection, path, files[path])
            progress(len(fresh), len(fresh))
        return len(fresh)

    def search(self, query: str, limit: int = 5) -> list[Document]:
        """The passages that suit a question best: one of each document, and a copy is no other.

        Raises:
            UsageError: nothing is indexed yet.
        """
        if not self.path.exists():
            raise UsageError("nothing is indexed under this name; %llm_index FOLDER --name NAME")
        found: dict[int, Document] = {}
        seen: set[str] = set()
        with closing(self._open()) as connection:
            for match in _queries(connection, query):
                for file, *facts in connection.execute(_SEARCH, (match, 2 * RANKED, 8 * limit)):
                    document = Document(*facts)
                    if document.text not in seen:
                        found.setdefault(file, document)
                    seen.add(document.text)
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


# The texts are read when it is known which are the best: to read all that are ranked takes longer.
_SEARCH = """
SELECT p.file, f.title, p.text, f.path, p.line
FROM (
    SELECT place, score FROM (
        SELECT rowid AS place, bm25(passages, 8.0, 1.0) AS score
        FROM passages WHERE passages MATCH ? LIMIT ?
    ) ORDER BY score LIMIT ?
) AS best
JOIN passages AS p ON p.rowid = best.place JOIN files AS f ON f.id = p.file
ORDER BY best.score
"""
_COUNT = "SELECT count(*) FROM (SELECT 1 FROM passages WHERE passages MATCH ? LIMIT ?)"


def _queries(connection: sqlite3.Connection, question: str) -> Iterator[str]:
    """What is looked for: what holds a rare word of the question, ranked by all of its words.

    To rank all that holds any word takes ten times as long, nearly all of it for common words, and
    these seldom bring a passage among the best. It is done where the rare words find too little.
    """
    counts = _counts(connection, question)
    words, totals = list(counts), list(accumulate(counts.values()))
    rare = [word for word, total in zip(words, totals, strict=True) if total <= RANKED]
    telling = [word for word in words if counts[word] < _MANY] or words[:1]
    if rare:
        yield f"({' OR '.join(rare)}) AND ({' OR '.join(telling)})"
    elif words:
        yield " AND ".join(words)
    if words:
        yield " OR ".join(words[:_FEW])


def _counts(connection: sqlite3.Connection, question: str) -> dict[str, int]:
    """The words of a question that are there at all, the rarest first, with their passages."""
    words = dict.fromkeys(_WORD.findall(question.casefold()))
    quoted = [f'"{word}"' for word in words if word not in _COMMON][:_WORDS]
    found = [(connection.execute(_COUNT, (word, _MANY)).fetchone()[0], word) for word in quoted]
    return {word: count for count, word in sorted(found) if count}


def _files(roots: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """The files that can be read, each with a stamp that changes when it does."""
    for root in roots:
        for path in [str(root)] if root.is_file() else _below(root):
            if path.lower().endswith(SUFFIXES):
                facts = os.stat(path)
                if 0 < facts.st_size <= MAX_BYTES:
                    yield path, f"{facts.st_mtime_ns} {facts.st_size}"


def _below(root: Path) -> Iterator[str]:
    """The files in a folder, without hidden ones and without links."""
    for where, folders, names in os.walk(root):
        folders[:] = [each for each in folders if not each.startswith((".", "__pycache__"))]
        paths = (os.path.join(where, name) for name in names if not name.startswith("."))
        yield from (path for path in paths if stat.S_ISREG(os.lstat(path).st_mode))


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
