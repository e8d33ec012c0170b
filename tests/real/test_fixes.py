"""`%llm_fix` on ten errors: how many of the corrected cells run. `-s` prints the count."""

from __future__ import annotations

from cellmage.testing import ScriptedServer
from tests.kernel.client import Kernel
from tests.real.weights import fetch

SETUP = "import math\nprices = {'tea': 3, 'milk': '2'}\nwords = ['a', 'bb', 'ccc']"
FAILURES = [
    "total = prices['tee'] + 1",
    "total = sum(prices.values())",
    "lengths = [length(word) for word in words]",
    "last = words[3]",
    "root = math.squareroot(16)",
    "print('the price is ' + prices['tea'])",
    "for word in words\n    print(word)",
    "mean = sum(map(len, words)) / len(wrods)",
    "first, second = words",
    "number = int('3.5')",
]
LEAST = 4
"""What a model of 1.5 billion parameters should reach; it is no measure of cellmage."""


def test_how_many_fixes_run(kernel: Kernel, server: ScriptedServer) -> None:
    model, fixed = f"gguf/{fetch().resolve()}", []
    assert kernel.run(SETUP).ok
    for count, failure in enumerate(FAILURES):
        assert not kernel.run(failure, f"failure{count}").ok
        question = f"%llm_fix -m {model} -t 0 --max-tokens 200 --no-history"
        assert kernel.finish(kernel.start(question, f"fix{count}"), timeout=300).ok
        code = kernel.value("_llm.code")
        if code and kernel.run(code[-1], f"fixed{count}").ok:
            fixed.append(failure)
    print(f"{len(fixed)} of {len(FAILURES)} corrected cells ran: {fixed}")
    assert len(fixed) >= LEAST
    assert not server.exchanges
