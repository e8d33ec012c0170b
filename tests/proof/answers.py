"""Answers about a table, with figures that are right, and some in which a digit is wrong."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from cellmage.describe import describe

REGIONS = ("North", "South", "West", "East")

SENTENCES = (
    "The table has {rows} rows in {columns} columns.",
    "On average **{mean}** units were sold, the most was {high}.",
    "- {first}: {first_sum} units, which is {share}% of all",
    "| {first} | {first_sum} | {share} % |",
    "In total, {total} units left the store, about {total_k} thousand.",
    "The lowest price was ${low_price}; the median is {median}.",
    "Between {start} and {end} nothing else changed.",
    "Its standard deviation of {std} (variance {variance:}) is large.",
    "A ratio of {ratio} is what you asked about.",
)
FRAMES = (
    "## 1. What the table says\n\n{}\n\n1. Look at the regions.\n2. Then see Step 2 of the guide.",
    "{}\n\n```python\nlimit = 98765\nsales.head(4321)\n```\n\nSee Figure 3 or [1].",
    "First:\n\n{}\n\nThe 2nd quarter (Q2) is in `sales[4711]` and at https://example.org/5512/3.",
    "{}\n\nIn Python, x1 and UTF-8 are names; {{{{= len(sales) + 8642 }}}} is computed.",
)


@dataclass(frozen=True)
class Answer:
    """An answer, with what was sent.

    Args:
        text: the answer.
        sent: what the model was sent.
        wrong: the numbers with a wrong digit, as they are written.
        right: the numbers of the table that are right.
    """

    text: str
    sent: tuple[str, ...]
    wrong: tuple[str, ...]
    right: tuple[str, ...]


def answers(count: int, seed: int = 7) -> Iterator[Answer]:
    """Yield answers; each has one or two wrong digits."""
    for number in range(count):
        yield _answer(random.Random(seed * 10_000 + number))


def _answer(rng: random.Random) -> Answer:
    rows = rng.randrange(40, 5_000)
    units = [rng.randrange(10, 9_000) for _ in range(rows)]
    prices = [round(rng.uniform(1, 90), 2) for _ in range(rows)]
    regions = [rng.choice(REGIONS) for _ in range(rows)]
    sales = pd.DataFrame({"region": regions, "units": units, "price": prices})
    sums = sales.groupby("region").units.sum()
    first, total = rng.choice(list(sums.index)), int(sums.sum())
    share = sums[first] / total
    facts = {
        "rows": rows,
        "columns": 3,
        "mean": f"{sales.units.mean():.2f}",
        "high": _grouped(int(sales.units.max()), rng),
        "first_sum": _grouped(int(sums[first]), rng),
        "share": f"{100 * share:.1f}",
        "total": _grouped(total, rng),
        "total_k": f"{total / 1000:.0f}",
        "low_price": f"{sales.price.min():.2f}",
        "median": f"{sales.price.median():.2f}",
        "std": f"{sales.units.std():.1f}",
        "variance": f"{sales.units.var():.0f}",
        "ratio": f"{rng.uniform(2, 9):.3f}",
        "start": f"2026-0{rng.randrange(1, 10)}-{rng.randrange(10, 29)}",
        "end": f"2026-1{rng.randrange(0, 3)}-{rng.randrange(10, 29)}",
    }
    sent = (
        describe(sales, "stats").text,
        f"total {total}, std {sales.units.std()}, variance {sales.units.var()}, share {share}",
        f"{first} has {sums[first]} from {facts['start']} to {facts['end']}; mean "
        f"{sales.units.mean()}, at most {sales.units.max()}; prices from {sales.price.min()}, "
        f"median {sales.price.median()}, ratio {facts['ratio']}",
    )
    sentences = rng.sample(SENTENCES, 5)
    names = [n for s in sentences for n in re.findall(r"\{(\w+):?\}", s) if n != "first"]
    planted = rng.sample(sorted(set(names)), rng.randrange(1, 3))
    shown = {**facts, **{name: _wrong(str(facts[name]), sent, rng) for name in planted}}
    body = "\n".join(s.format(first=first, **shown) for s in sentences)
    text = rng.choice(FRAMES).format(body)
    right = [str(facts[name]) for name in names if name not in planted]
    return Answer(text, sent, tuple(str(shown[name]) for name in planted), tuple(right))


def _grouped(number: int, rng: random.Random) -> str:
    text = f"{number:,}"
    return rng.choice([str(number), text, text.replace(",", " "), text.replace(",", "\u202f")])


def _wrong(text: str, sent: tuple[str, ...], rng: random.Random) -> str:
    """Return a number with another digit, which is nowhere in what was sent."""
    numbers = {number for other in sent for number in re.findall(r"\d+(?:\.\d+)?", other)}
    places = [index for index, char in enumerate(text) if char.isdigit()]
    candidates = [
        text[:index] + digit + text[index + 1 :]
        for index in places
        for digit in "123456789"
        if digit != text[index]
    ]
    return rng.choice([c for c in candidates if re.sub(r"[,\s]", "", c) not in numbers])
