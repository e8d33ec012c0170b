"""Measure how long `%llm_fix` takes beside the model and the cell, with 200 MB in the notebook.

.venv/bin/python -m benchmarks.fixes
"""

from __future__ import annotations

import re
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

from cellmage.testing import Reply, ScriptedServer, answer
from tests.kernel.client import Kernel
from tests.proof.failures import Failure, failures

from .table import at_most, line, missed, seconds

MODEL_SECONDS = 0.3
"""The time that the scripted model takes for each of its three answers."""

TRIES = 3
MAX_SECONDS = 1.0
"""What a verdict may take beside the model and the run of the fixed cell."""

DATA = "import numpy as np\n_data = np.ones((5, 5_000_000))"


def reply(code: str) -> Reply:
    return Reply([MODEL_SECONDS, *answer(f"So:\n\n```python\n{code}\n```\n", 1000)])


def overhead(kernel: Kernel, server: ScriptedServer, case: Failure) -> float:
    """Return the time of a fix beside the model and the cell."""
    kernel.run("%reset_selective -f ^[a-z]\\w*$")
    kernel.run(case.setup)
    kernel.run(case.broken, "failed")
    answers = iter(case.fixes)
    server.play_with(lambda exchange: reply(next(answers)))
    start = time.monotonic()
    run = kernel.run("%llm_fix --no-history", "fix")
    took = time.monotonic() - start
    texts = [output["data"].get("text/plain", "") for output in run.outputs]
    ran = [
        float(found) for text in texts for found in re.findall(r"ran in the twin in ([\d.]+)", text)
    ]
    return took - MODEL_SECONDS * TRIES - sum(ran)


def main() -> None:
    """Print the longest and the middle time."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--fixes", type=int, default=20)
    count = parser.parse_args().fixes
    with TemporaryDirectory() as home, ScriptedServer() as server:
        environ = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-test-0000"}
        kernel = Kernel(Path(home), environ)
        kernel.run(f"%load_ext cellmage\n{DATA}")
        cases = list(failures())
        overhead(kernel, server, cases[0])  # imports
        times = sorted(overhead(kernel, server, case) for case in cases[:: 100 // count])
        kernel.close()
    middle, longest = times[len(times) // 2], times[-1]
    line("three tries of a fix, beside the model: the middle", seconds(middle))
    at_most("a verdict, beside the model: the middle", middle / TRIES, MAX_SECONDS, seconds)
    at_most("a verdict, beside the model: the longest", longest / TRIES, MAX_SECONDS, seconds)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
