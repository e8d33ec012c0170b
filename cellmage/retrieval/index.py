"""Full-text index of documents in one SQLite file; a search returns passages for a question."""

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
"""The files that are indexed, by the ends of their names."""

MAX_FILE_BYTES = 4 * 2**20
"""Larger files are left out."""

PASSAGE_CHARS = 1_500
"""The length of a passage, at most."""

MAX_RANKED = 4_000
"""The passages that are ranked for a question, about; ranking takes most of the time."""

_COMMON_WORD_FACTOR = 8
"""A word in more than this many times `max_ranked` passages does not affect the ranking."""

_CANDIDATES_PER_RESULT = 8
"""The best passages that are read for one result: several may be of one file, or copies."""

_MAX_QUERY_WORDS = 32
_MAX_OR_WORDS = 8
"""The rarest words of a question that are searched for when all of its words are common."""

_TITLE_CHARS = 4_000
"""The beginning of a file, where its title is looked for."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, stamp TEXT NOT NULL, title TEXT NOT NULL
);
CREATE VIRTUAL TABLE IF NOT EXISTS passages USING fts5 (
    title, text, file UNINDEXED, line UNINDEXED, tokenize = 'porter unicode61'
);
"""

# The texts are read when it is known which passages are the best: reading the text of every ranked
# passage takes longer than ranking them.
_SEARCH = """
SELECT p.file, f.title, p.text, f.path, p.line
FROM (
    SELECT passage, score FROM (
        SELECT rowid AS passage, bm25(passages, 8.0, 1.0) AS score
        FROM passages WHERE passages MATCH ? LIMIT ?
    ) ORDER BY score LIMIT ?
) AS best
JOIN passages AS p ON p.rowid = best.passage JOIN files AS f ON f.id = p.file
ORDER BY best.score
"""
_COUNT = "SELECT count(*) FROM (SELECT 1 FROM passages WHERE passages MATCH ? LIMIT ?)"

_WORD = re.compile(r"\w+")
_HEADING = re.compile(r"^(?:#+\s+(\S.*)|=+\s*(\S.*?)\s*=+)$", re.MULTILINE)
_DOCSTRING = re.compile(r'\A(?:#[^\n]*\n|\s)*[rRuU]?(?:"""|\'\'\'|"|\')\s*([^\n"]+)')
_BREAK = re.compile(r"\n\s*\n|\n(?=#|def |class )")

# Words that are in every passage, and say nothing about the question.
_STOP_WORDS = frozenset(
    """a an and are as at be by can do does for from has have how i if in is it its of on or that
    the this to was what when where which who why will with you""".split()  # noqa: SIM905
)


class Index:
    """A full-text index with BM25 ranking.

    Args:
        path: the file of the index; `add` makes it.
        max_ranked: the passages that are ranked for a question, about.

    Attributes:
        path: as the argument.

    Example:
        >>> from tempfile import mkdtemp
        >>> folder = Path(mkdtemp())
        >>> _ = (folder / "tides.md").write_text("# Tides\\n\\nThe moon pulls the sea.")
        >>> _ = (folder / "bread.md").write_text("# Bread\\n\\nFlour and water.")
        >>> index = Index(folder / "index.db")
        >>> index.add([folder]), [match.title for match in index.search("What pulls the sea?")]
        (2, ['Tides'])
    """

    def __init__(self, path: Path, max_ranked: int = MAX_RANKED) -> None:
        self.path = path
        self._max_ranked = max_ranked

    def add(
        self, paths: Iterable[Path], progress: Callable[[int, int], object] = lambda *_: None
    ) -> int:
        """Index files, and folders with everything in them; unchanged files are not read again.

        Args:
            paths: files and folders. A file that was deleted from a folder leaves the index.
            progress: called before each file, and at the end, with the number of files that are
                done and the number of all files to read.

        Returns:
            The number of files that were read.

        Raises:
            UsageError: a path does not exist, or no file in it can be indexed.
        """
        roots = [Path(os.path.abspath(path)) for path in paths]
        for root in roots:
            if not root.exists():
                raise UsageError(f"there is no file or folder {root}")
        files = dict(find_files(roots))
        if not files:
            raise UsageError(f"no file here can be read; names end in {', '.join(SUFFIXES)}")
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        with closing(self._open()) as connection, connection:
            indexed = dict(connection.execute("SELECT path, stamp FROM files"))
            deleted = [path for path in indexed if path not in files and _is_below(path, roots)]
            changed = [path for path, stamp in files.items() if indexed.get(path) != stamp]
            _delete(connection, [*deleted, *(path for path in changed if path in indexed)])
            for count, path in enumerate(changed):
                progress(count, len(changed))
                _insert(connection, path, files[path])
            progress(len(changed), len(changed))
        return len(changed)

    def search(self, query: str, limit: int = 5) -> list[Document]:
        """Return the best passages for a question, at most one per file; copies count once.

        Args:
            query: the question, in any words.
            limit: the number of passages, at most.

        Raises:
            UsageError: nothing has been indexed yet.
        """
        if not self.path.exists():
            raise UsageError(
                "nothing is indexed yet; `add` indexes files and folders", option="add"
            )
        documents: dict[int, Document] = {}
        texts: set[str] = set()
        limits = (2 * self._max_ranked, _CANDIDATES_PER_RESULT * limit)
        with closing(self._open()) as connection:
            for match in _queries(connection, query, self._max_ranked):
                for file, *fields in connection.execute(_SEARCH, (match, *limits)):
                    document = Document(*fields)
                    if document.text not in texts:
                        documents.setdefault(file, document)
                    texts.add(document.text)
                if len(documents) >= limit:
                    break
        return list(documents.values())[:limit]

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path)
        connection.executescript(_SCHEMA)
        return connection


# Queries.


def _queries(connection: sqlite3.Connection, question: str, max_ranked: int) -> Iterator[str]:
    """Yield queries in FTS5's syntax; the next one is for when those before match too little.

    The first query matches passages with a rare word, and ranks them by all informative words.
    Ranking every passage that contains *any* word of the question is ten times slower, almost all
    of it for common words that rarely change the best results.
    """
    limit = _COMMON_WORD_FACTOR * max_ranked
    counts = _passages_per_word(connection, question, limit)
    words, totals = list(counts), list(accumulate(counts.values()))
    rare = [word for word, total in zip(words, totals, strict=True) if total <= max_ranked]
    informative = [word for word in words if counts[word] < limit] or words[:1]
    if rare:
        yield f"({' OR '.join(rare)}) AND ({' OR '.join(informative)})"
    elif words:
        yield " AND ".join(words)
    if words:
        yield " OR ".join(words[:_MAX_OR_WORDS])


def _passages_per_word(connection: sqlite3.Connection, question: str, limit: int) -> dict[str, int]:
    """Return how many passages contain each word of a question, the rarest word first.

    Words that no passage contains are left out; the counts end at the limit.
    """
    words = dict.fromkeys(_WORD.findall(question.casefold()))
    quoted = [f'"{word}"' for word in words if word not in _STOP_WORDS][:_MAX_QUERY_WORDS]
    counts = [(connection.execute(_COUNT, (word, limit)).fetchone()[0], word) for word in quoted]
    return {word: count for count, word in sorted(counts) if count}


# Files.


def find_files(roots: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Yield the files that can be indexed: their path, and a stamp that changes with the file.

    Args:
        roots: files, and folders that are searched recursively.
    """
    for root in roots:
        for path in [str(root)] if root.is_file() else _walk(root):
            if path.lower().endswith(SUFFIXES):
                status = os.stat(path)
                if 0 < status.st_size <= MAX_FILE_BYTES:
                    yield path, f"{status.st_mtime_ns} {status.st_size}"


def _walk(root: Path) -> Iterator[str]:
    """Yield the files in a folder, without hidden files and without links."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [name for name in subfolders if not name.startswith((".", "__pycache__"))]
        paths = (os.path.join(folder, name) for name in names if not name.startswith("."))
        yield from (path for path in paths if stat.S_ISREG(os.lstat(path).st_mode))


def _is_below(path: str, roots: Sequence[Path]) -> bool:
    return any(Path(path).is_relative_to(root) for root in roots)


def _delete(connection: sqlite3.Connection, paths: Sequence[str]) -> None:
    ids = [
        connection.execute("SELECT id FROM files WHERE path = ?", (path,)).fetchone()
        for path in paths
    ]
    connection.executemany("DELETE FROM passages WHERE file = ?", ids)
    connection.executemany("DELETE FROM files WHERE id = ?", ids)


def _insert(connection: sqlite3.Connection, path: str, stamp: str) -> None:
    text = Path(path).read_text("utf-8", "replace")
    stem = Path(path).stem.replace("_", " ")
    heading = (_DOCSTRING if path.endswith(".py") else _HEADING).search(text[:_TITLE_CHARS])
    title = next(filter(None, heading.groups()), stem) if heading else stem
    row = connection.execute(
        "INSERT INTO files (path, stamp, title) VALUES (?, ?, ?)", (path, stamp, title)
    )
    connection.executemany(
        "INSERT INTO passages (title, text, file, line) VALUES (?, ?, ?, ?)",
        ((f"{stem} {title}", passage, row.lastrowid, line) for passage, line in passages(text)),
    )


def passages(text: str) -> Iterator[tuple[str, int]]:
    """Yield a text in passages, each with the number of its first line, from 1.

    A passage ends between two paragraphs if possible.

    Example:
        >>> [line for _, line in passages("one\\n\\n" + "word " * 400 + "\\n\\nlast")]
        [1, 3]
    """
    start, line = 0, 1
    while start < len(text):
        end = _passage_end(text, start)
        passage = text[start:end]
        if passage.strip():
            empty_lines = len(passage) - len(passage.lstrip("\n"))
            yield passage.strip(), line + empty_lines
        line += passage.count("\n")
        start = end


def _passage_end(text: str, start: int) -> int:
    """Return the end of a passage: the last break before it is too long, else a space."""
    limit = start + PASSAGE_CHARS
    if limit >= len(text):
        return len(text)
    breaks = [match.end() for match in _BREAK.finditer(text, start + PASSAGE_CHARS // 3, limit)]
    if breaks:
        return breaks[-1]
    space = text.rfind(" ", start + PASSAGE_CHARS // 2, limit)
    return space + 1 if space > 0 else limit
