"""The index of documents on a real corpus: this Python's library and the installed packages.

`python -m benchmarks.retrieval`; a question counts as answered when a file of the right name is
among the five that are found.
"""

from __future__ import annotations

import statistics
import sys
import sysconfig
import tempfile
import time
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


def main() -> None:
    roots = [Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("purelib"))]
    files = dict(_files(roots))
    megabytes = sum(int(stamp.split()[1]) for stamp in files.values()) / 1e6
    with tempfile.TemporaryDirectory() as name:
        index = Index(Path(name) / "index.db")
        began = time.perf_counter()
        count = index.add(roots)
        speed = megabytes / (time.perf_counter() - began)
        line("documents", f"{count}, {megabytes:.0f} MB", "5000, 20 MB", count >= 5000)
        line("build", f"{speed:.1f} MB/s", "at least 5 MB/s", speed >= 5)
        began = time.perf_counter()
        index.add(roots)
        again = time.perf_counter() - began
        line("indexing again what has not changed", f"{again:.2f} s", "at most 1 s", again <= 1)
        times, found = [], 0
        for question, wanted in QUESTIONS.items():
            began = time.perf_counter()
            names = [Path(each.source).name for each in index.search(question)]
            times.append(time.perf_counter() - began)
            found += wanted in names
            if wanted not in names:
                print(f"  not found: {wanted}, but {', '.join(names)}")
        times.sort()
        slow = times[int(0.95 * len(times))] * 1000
        figure = f"{statistics.median(times) * 1000:.0f} ms (p95 {slow:.0f})"
        line("a query", figure, "p95 at most 50 ms", slow <= 50)
        line("recall at 5", f"{found} of {len(QUESTIONS)}")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
