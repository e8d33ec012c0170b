"""Full-text index of documents in one SQLite file; a search returns passages for a question."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import accumulate
from pathlib import Path

from ..errors import UsageError
from ..events import Document
from .documents import DocumentText, UnreadableError
from .files import SUFFIXES, describe_left_out, describe_skipped, find_files
from .grams import gram_text, query_words
from .passages import passages
from .readers import read_document

MAX_RANKED = 4_000
"""The passages that are ranked for a question, about; ranking takes most of the time."""

_COMMON_WORD_FACTOR = 8
"""A word in more than this many times `max_ranked` passages does not affect the ranking."""

_CANDIDATES_PER_RESULT = 8
"""The best passages that are read for one result: several may be of one file, or copies."""

_MAX_QUERY_WORDS = 48
_MAX_OR_WORDS = 8
"""The rarest words of a question that are searched for when all of its words are common."""

_SCHEMA_VERSION = 3
"""The version of an index, in its ``user_version``; one of another version is made anew."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, stamp TEXT NOT NULL, title TEXT NOT NULL
);
CREATE VIRTUAL TABLE IF NOT EXISTS passages USING fts5 (
    title, text, file UNINDEXED, line UNINDEXED, grams, tokenize = 'porter unicode61'
);
"""

# The texts are read when it is known which passages are the best: reading the text of every ranked
# passage takes longer than ranking them.
_SEARCH = """
SELECT p.file, f.title, p.text, f.path, p.line
FROM (
    SELECT passage, score FROM (
        SELECT rowid AS passage, bm25(passages, 8.0, 1.0, 0.0, 0.0, 1.0) AS score
        FROM passages WHERE passages MATCH ? LIMIT ?
    ) ORDER BY score LIMIT ?
) AS best
JOIN passages AS p ON p.rowid = best.passage JOIN files AS f ON f.id = p.file
ORDER BY best.score
"""
_COUNT = "SELECT count(*) FROM (SELECT 1 FROM passages WHERE passages MATCH ? LIMIT ?)"

# Words that are in every passage, and say nothing about the question.
_STOP_WORDS = """a an and are as at be by can do does for from has have how i if in is it its of on
or that the this to was what when where which who why will with you"""
_QUOTED_STOP_WORDS = frozenset(f'"{word}"' for word in _STOP_WORDS.split())


class Index:
    """A full-text index with BM25 ranking.

    Args:
        path: the file of the index; `add` makes it.
        max_ranked: the passages that are ranked for a question, about.

    Attributes:
        path: as the argument.
        left_out: the files that the last `add` could not read: their paths, with the reasons.
        skipped: the number of files that the last `add` did not read, by their type.
        unchanged: the number of files that the last `add` did not read again.
        dropped: the number of files that have left the index in the last `add`.

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
        self.left_out: dict[str, str] = {}
        self.skipped: Mapping[str, int] = {}
        self.unchanged = self.dropped = 0
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
            if not os.path.exists(root):
                raise UsageError(f"there is no file or folder {root}")
        files, self.left_out, self.skipped = find_files(roots)
        if not files:
            raise UsageError(_no_file_message(self.left_out, self.skipped))
        with _connect(self.path) as connection, connection:
            _prepare(connection)
            indexed = dict(connection.execute("SELECT path, stamp FROM files"))
            deleted = [path for path in indexed if path not in files and _is_below(path, roots)]
            changed = [path for path, stamp in files.items() if indexed.get(path) != stamp]
            self.unchanged, self.dropped = len(files) - len(changed), len(deleted)
            _delete(connection, [*deleted, *(path for path in changed if path in indexed)])
            for count, path in enumerate(changed):
                progress(count, len(changed))
                self._insert(connection, path, files[path])
            progress(len(changed), len(changed))
        return len(changed) - len(self.left_out.keys() & set(changed))

    def _insert(self, connection: sqlite3.Connection, path: str, stamp: str) -> None:
        try:
            document = read_document(path)
        except UnreadableError as error:
            self.left_out[path] = str(error)
            return
        _insert(connection, path, stamp, document)

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
        with _connect(self.path) as connection:
            _check_version(connection)
            for match in _queries(connection, query, self._max_ranked):
                for file, *fields in connection.execute(_SEARCH, (match, *limits)):
                    document = Document(*fields)
                    if document.text not in texts:
                        documents.setdefault(file, document)
                    texts.add(document.text)
                if len(documents) >= limit:
                    break
        return list(documents.values())[:limit]


def _no_file_message(left_out: dict[str, str], skipped: Mapping[str, int]) -> str:
    problem = (
        describe_left_out(left_out)
        or describe_skipped(skipped)
        or f"names end in {', '.join(SUFFIXES)}"
    )
    return f"no file here can be read; {problem[0].lower()}{problem[1:].rstrip('.')}"


@contextmanager
def _connect(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file of an index, which only the user can read; make it if it does not exist.

    Raises:
        UsageError: it is damaged, or cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(path)) as connection:
            yield connection
    except (OSError, sqlite3.Error) as error:
        problem = getattr(error, "strerror", None) or error
        raise UsageError(
            f"the index {path} cannot be used ({problem}); if it stays so, delete it"
        ) from None


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables, in the place of those of another version."""
    if _version(connection) != _SCHEMA_VERSION:
        connection.executescript("DROP TABLE IF EXISTS files; DROP TABLE IF EXISTS passages;")
    connection.executescript(f"{_SCHEMA}; PRAGMA user_version = {_SCHEMA_VERSION};")


def _check_version(connection: sqlite3.Connection) -> None:
    if _version(connection) != _SCHEMA_VERSION:
        raise UsageError("the index was made by another version; `add` makes it anew", option="add")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


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
    words = [
        word for word in dict.fromkeys(query_words(question)) if word not in _QUOTED_STOP_WORDS
    ]
    quoted = words[:_MAX_QUERY_WORDS]
    counts = [(connection.execute(_COUNT, (word, limit)).fetchone()[0], word) for word in quoted]
    return {word: count for count, word in sorted(counts) if count}


# Files.


def _is_below(path: str, roots: Sequence[Path]) -> bool:
    return any(Path(path).is_relative_to(root) for root in roots)


def _delete(connection: sqlite3.Connection, paths: Sequence[str]) -> None:
    ids = [
        connection.execute("SELECT id FROM files WHERE path = ?", (path,)).fetchone()
        for path in paths
    ]
    connection.executemany("DELETE FROM passages WHERE file = ?", ids)
    connection.executemany("DELETE FROM files WHERE id = ?", ids)


def _insert(connection: sqlite3.Connection, path: str, stamp: str, document: DocumentText) -> None:
    stem = Path(path).stem.replace("_", " ")
    title = document.title or stem
    row = connection.execute(
        "INSERT INTO files (path, stamp, title) VALUES (?, ?, ?)", (path, stamp, title)
    )
    words = f"{stem} {title} {gram_text(f'{stem} {title}')}"
    connection.executemany(
        "INSERT INTO passages (title, text, file, line, grams) VALUES (?, ?, ?, ?, ?)",
        (
            (words, text, row.lastrowid, section.line and section.line + line - 1, gram_text(text))
            for section in document.sections
            for text, line in passages(section.text)
        ),
    )
