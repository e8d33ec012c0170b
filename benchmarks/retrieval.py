"""The index of documents on real corpora: this Python's library and the installed packages.

`python -m benchmarks.retrieval`: first the library with as many of the installed packages, by name,
as make 5 000 documents, then all of them. A question counts as answered when a file of the right
name is among the five that are found; timed are the questions, and lines of the documents.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from cellmage.retrieval import Index, _files

from .table import line, missed

QUESTIONS = {
    "Read rows of a CSV file as dictionaries by the fields of its header": "csv.py",
    "Walk a directory tree from the top down": "os.py",
    "Make a temporary directory that is removed at the end": "tempfile.py",
    "Parse command line options and print a usage message": "argparse.py",
    "Compress and decompress files in gzip format": "gzip.py",
    "Read and write zip archives": "zipfile.py",
    "Compute the median and the standard deviation of data": "statistics.py",
    "Unified diff of two sequences of lines": "difflib.py",
    "Pretty print nested data structures": "pprint.py",
    "Wrap a paragraph of text to a given width": "textwrap.py",
    "A least recently used cache decorator": "functools.py",
    "Deep copy of compound objects": "copy.py",
    "Match file names against shell style wildcards": "fnmatch.py",
    "Send mail over SMTP": "smtplib.py",
    "Rational numbers with numerator and denominator": "fractions.py",
    "Heap queue, priority queue algorithm": "heapq.py",
    "Bisection of sorted lists, insert in order": "bisect.py",
    "Run a subprocess and capture its output": "subprocess.py",
    "Thread pool executor for asynchronous calls": "thread.py",
    "Base class for context managers, ExitStack": "contextlib.py",
    "Enumerations with unique members": "enum.py",
    "Universally unique identifiers, RFC 4122": "uuid.py",
    "Rotating log files by size or by time": "handlers.py",
    "Format and print tracebacks of exceptions": "traceback.py",
    "Test cases with setUp and tearDown": "case.py",
    "Parse an ISO date and do arithmetic with timedelta": "datetime.py",
    "Cookies of HTTP, a cookie jar": "cookiejar.py",
    "Serialize objects, pickling": "pickle.py",
    "Evaluate whether a network address is private, IPv4 and IPv6": "ipaddress.py",
    "Cryptographically strong random tokens": "secrets.py",
}


DOCUMENTS = 5_000
LINES = 300


def part_of(library: Path, packages: Path) -> list[Path]:
    """The library, and packages in the order of their names until there are enough documents."""
    chosen = [path for path in sorted(library.iterdir()) if path.name != "site-packages"]
    count = len(dict(_files(chosen)))
    for package in sorted(path for path in packages.iterdir() if path.is_dir()):
        if count >= DOCUMENTS:
            break
        chosen.append(package)
        count += len(dict(_files([package])))
    return chosen


def measure(roots: list[Path], path: Path) -> None:
    index = Index(path)
    sizes = [int(stamp.split()[1]) for stamp in dict(_files(roots)).values()]
    megabytes = sum(sizes) / 1e6
    enough = len(sizes) >= DOCUMENTS and megabytes >= 20
    line("documents", f"{len(sizes)}, {megabytes:.0f} MB", "5000, 20 MB", enough)
    speed = megabytes / timed(lambda: index.add(roots))
    line("build", f"{speed:.1f} MB/s", "at least 5 MB/s", speed >= 5)
    line("the file of the index", f"{path.stat().st_size / 1e6:.0f} MB")
    again = timed(lambda: index.add(roots))
    line("indexing again what has not changed", f"{again:.2f} s", "at most 1 s", again <= 1)
    query_times("a query: the 30 questions", index, list(QUESTIONS))
    query_times(f"a query: {LINES} lines of the documents", index, lines_of(path))
    recall(index)


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def lines_of(path: Path) -> list[str]:
    """Lines of six words or more, from passages all over the index."""
    with closing(sqlite3.connect(path)) as connection:
        (last,) = connection.execute("SELECT max(rowid) FROM passages").fetchone()
        places = [(n * last // (2 * LINES),) for n in range(1, 2 * LINES)]
        find = "SELECT text FROM passages WHERE rowid = ?"
        texts = [text for place in places for (text,) in connection.execute(find, place)]
    long = ([each for each in text.splitlines() if len(each.split()) >= 6] for text in texts)
    return [found[len(found) // 2][:200] for found in long if found][:LINES]


def query_times(what: str, index: Index, queries: list[str]) -> None:
    times = sorted(timed(partial(index.search, query)) * 1000 for query in queries)
    slow = times[int(0.95 * len(times))]
    figure = f"{statistics.median(times):.0f} ms (p95 {slow:.0f}, most {times[-1]:.0f})"
    line(what, figure, "p95 at most 50 ms", slow <= 50)


def recall(index: Index) -> None:
    found = 0
    for question, wanted in QUESTIONS.items():
        names = [Path(each.source).name for each in index.search(question)]
        found += wanted in names
        if wanted not in names:
            print(f"  not found: {wanted}, but {', '.join(names)}")
    line("recall at 5", f"{found} of {len(QUESTIONS)}")


def main() -> None:
    library, packages = (Path(sysconfig.get_path(each)) for each in ("stdlib", "purelib"))
    with tempfile.TemporaryDirectory() as name:
        measure(part_of(library, packages), Path(name) / "part.db")
        print()
        measure([library, packages], Path(name) / "all.db")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
