"""The answers of one part while it is under way, on disk: a lost worker loses none of them."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from ...errors import UsageError
from ...messages import Response
from ...serialization import response_from_record, response_to_record


class PartAnswers:
    """The complete answers of a part, in a file: see `cellmage.batch.worker.Keeper`.

    A line is with the system as soon as `add` returns: it outlives the process, if not the
    machine. A line that was cut is none.

    Args:
        path: the file; its folder is made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._answers = dict(_read(path))
        # The last line may lack its end.
        descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        self._file: IO[bytes] = os.fdopen(descriptor, "ab", buffering=0)
        self._file.write(b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def find(self, key: str, number: int) -> Response | None:
        """Return the answer to the question with this key; of equal ones that of this number."""
        return self._answers.get((key, number))

    def add(self, key: str, number: int, response: Response) -> None:
        """Keep a complete answer."""
        record = [key, number, response.text, response_to_record(response)]
        self._file.write(json.dumps(record).encode() + b"\n")

    def remove(self) -> None:
        """Remove the file: each row of the part has its answer where it belongs."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _read(path: Path) -> list[tuple[tuple[str, int], Response]]:
    answers = []
    with suppress(FileNotFoundError), path.open("rb") as lines:
        for line in lines:
            with suppress(UsageError, ValueError, TypeError):  # cut, or damaged
                key, number, text, record = json.loads(line)
                answers.append(((str(key), int(number)), response_from_record(text, record)))
    return answers
