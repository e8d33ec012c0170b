"""Play every fault of the files to every reader, and print a table of the results.

python -m tests.contract [FILE …]
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from cellmage import Conversation, Options
from cellmage.testing import ScriptedServer, speed_up_retries
from tests.contract.faults import (
    LIMITS,
    SCALE,
    Case,
    address,
    in_all_apis,
    load,
    untrusted_server,
)
from tests.contract.readers import READERS, read_by_sdk, read_in_cell, read_result, scale_limits
from tests.contract.results import problems
from tests.kernel.client import Kernel

COLUMNS = [*READERS, "magic", "SDK loop"]


def play(case: Case, kernel: Kernel, secure_url: str) -> dict[str, list[str]]:
    """Return the problems of each reader by its name; each reader has a server of its own."""
    problems_of = {}
    for column in COLUMNS:
        with ScriptedServer() as server:
            server.play_with(case.reply_to)
            base_url, key = address(case, server.url, secure_url)
            os.environ |= {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": key}
            if column == "magic":
                result = read_in_cell(
                    kernel, base_url, key, server, tools=case.offered_tools, api=case.api
                )[0]
            elif column in READERS:
                chat = Conversation(
                    Options(model="m", api=case.api, **LIMITS), turns=case.earlier_turns
                )
                result = read_result(chat, READERS[column], server, case.offered_tools)
            else:
                result = read_by_sdk(base_url, key, case.api)
        lines = problems(case, result)
        if column == "SDK loop":
            # It has no kinds, its errors have other texts, and its caller runs the tools.
            checked = ("text",) if case.expect.get("tool_calls") else ("text", "outcome")
            lines = [line for line in lines if line.startswith(checked)]
        problems_of[column] = lines
    return problems_of


def main(*paths: Path) -> int:
    """Print a line for each case, and the sums; return how many results of ours have problems."""
    cases, passed = in_all_apis(load(*paths)), dict.fromkeys(COLUMNS, 0)
    print(f"{'case':<46}" + "".join(f"{column:<10}" for column in COLUMNS))
    kernel = Kernel(Path(tempfile.mkdtemp()))
    with untrusted_server() as secure, speed_up_retries(1 / SCALE):
        kernel.run("%load_ext cellmage")
        scale_limits(kernel)
        for case in cases:
            results = play(case, kernel, secure.url)
            marks = ("-" if lines else "ok" for lines in results.values())
            print(f"{case.name:<46}" + "".join(f"{mark:<10}" for mark in marks))
            for column, lines in results.items():
                passed[column] += not lines
                if lines and column != "SDK loop":
                    print(f"    {column}: {'; '.join(lines)}")
    kernel.close()
    print(f"{f'of {len(cases)}':<46}" + "".join(f"{passed[column]:<10}" for column in COLUMNS))
    return sum(len(cases) - passed[column] for column in COLUMNS[:-1])


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])) > 0)
