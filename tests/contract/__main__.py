"""Plays every fault of a file to every way of reading an answer, and prints how each did.

python -m tests.contract [FILE]
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
    PUBLIC,
    SCALE,
    Case,
    address,
    load,
    problems,
    untrusted_server,
)
from tests.contract.readers import FACES, hurry, in_cell, result_of, sdk_loop
from tests.kernel.client import Kernel

WAYS = [*FACES, "magic", "SDK loop"]


def results(case: Case, kernel: Kernel, secure_url: str) -> dict[str, list[str]]:
    """What is wrong with each way, by its name; a server of its own for each."""
    found = {}
    for way in WAYS:
        with ScriptedServer() as server:
            server.play_with(case.answer)
            base_url, key = address(case, server.url, secure_url)
            os.environ |= {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": key}
            if way == "magic":
                got = in_cell(kernel, base_url, key, server, case.tools)[0]
            elif way in FACES:
                chat = Conversation(Options(model="m", **LIMITS))
                got = result_of(chat, FACES[way], server, case.tools)
            else:
                got = sdk_loop(base_url, key)
        wrong = problems(case, got)
        if way == "SDK loop":
            # It names no kinds, writes errors of its own, and leaves tools to its caller.
            asked = ("text",) if case.expect.get("tool_calls") else ("text", "outcome")
            wrong = [each for each in wrong if each.startswith(asked)]
        found[way] = wrong
    return found


def main(path: Path) -> int:
    """Print a line for each case, and the sums; the number of ours that fell short."""
    cases, passed = load(path), dict.fromkeys(WAYS, 0)
    print(f"{'case':<36}" + "".join(f"{way:<10}" for way in WAYS))
    kernel = Kernel(Path(tempfile.mkdtemp()))
    with untrusted_server() as secure, speed_up_retries(1 / SCALE):
        kernel.run("%load_ext cellmage")
        hurry(kernel)
        for case in cases:
            found = results(case, kernel, secure.url)
            print(f"{case.id:<36}" + "".join(f"{'-' if w else 'ok':<10}" for w in found.values()))
            for way, wrong in found.items():
                passed[way] += not wrong
                if wrong and way != "SDK loop":
                    print(f"    {way}: {'; '.join(wrong)}")
    kernel.close()
    print(f"{f'of {len(cases)}':<36}" + "".join(f"{passed[way]:<10}" for way in WAYS))
    return sum(len(cases) - passed[way] for way in WAYS[:-1])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else PUBLIC) > 0)
