"""`%llm_fix` on twenty errors: how many are fixed, with a proof. `-s` prints each as it comes."""

from __future__ import annotations

from cellmage.testing import ScriptedServer
from tests.kernel.client import Kernel, Run
from tests.real.weights import fetch

SETUP = """import math
import pandas as pd
prices = {'tea': 3, 'milk': '2'}
words = ['a', 'bb', 'ccc']
sales = pd.DataFrame({'region': ['N', 'S', 'N'], 'units': [4, 7, 1]})"""
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
    "units = sales['unit'].sum()",
    "by_region = sales.groupby('area').units.sum()",
    "best = sales.loc[sales.units.idx_max(), 'region']",
    "top = sales.sort_value('units').head(1)",
    "names = ', '.join(len(word) for word in words)",
    "area = math.pi * raduis ** 2",
    "upper = [word.uppercase() for word in words]",
    "pairs = dict(zip(words))",
    "share = sales.units / sales.units.sum",
    "text = f'{math.pi:.2q}'",
]


def verdict(run: Run) -> str:
    texts = [output["data"].get("text/plain", "") for output in run.outputs]
    return next((text for text in texts if text.startswith(("Proven:", "Unproven:"))), "")


def test_how_many_are_fixed(kernel: Kernel, server: ScriptedServer) -> None:
    model, proven, ran = f"gguf/{fetch().resolve()}", [], []
    assert kernel.run(SETUP).ok
    for count, failure in enumerate(FAILURES):
        assert not kernel.run(failure, f"failure{count}").ok
        question = f"%llm_fix -m {model} -t 0 --max-tokens 150 --no-history"
        run = kernel.finish(kernel.start(question, f"fix{count}"), timeout=600)
        assert run.ok, run.error
        line = verdict(run).partition("\n")[0]
        print(f"{failure!r}: {line}", flush=True)
        if line.startswith("Proven:"):
            proven.append(failure)
            (code,) = [item["text"] for item in run.reply["payload"]]
            if kernel.run(code, f"fixed{count}").ok:
                ran.append(failure)
    print(f"{len(proven)} of {len(FAILURES)} are fixed")
    assert ran == proven, "a proven fix runs"
    assert not server.exchanges
