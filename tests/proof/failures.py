# ruff: noqa: E501 - a case is a line
"""Small notebooks, cells of them that fail, and fixes of which most are wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

NOTEBOOKS: tuple[tuple[str, str, tuple[tuple[str, tuple[str, str], tuple[str, str]], ...]], ...] = (
    (
        "prices = {'tea': 3.5, 'milk': 1.2, 'bread': 2.8}\nbasket = ['tea', 'milk', 'milk']",
        "prices['tea'] = 0",
        (
            ("total = sum(prices[name] for name in basket)", ("basket)", "baskets)"), ("[name]", "[nam]")),
            ("cheapest = min(prices, key=prices.get)", (".get", ".gets"), ("min(prices", "min(price")),
            ("counts = {name: basket.count(name) for name in prices}", (".count(", ".counts("), ("in prices", "in price")),
            ("lines = [f'{name}: {prices[name]:.2f}' for name in sorted(prices)]", (":.2f", ":.2q"), ("sorted(", "sort(")),
            ("dearest = sorted(prices.items(), key=lambda item: item[1])[-1]", ("item[1]", "item[2]"), (".items()", ".items")),
        ),
    ),
    (
        "text = 'the cat saw the other cat and the dog'\nwords = text.split()",
        "words.clear()",
        (
            ("lengths = [len(word) for word in words]", ("len(", "length("), ("in words", "in wrods")),
            ("longest = max(words, key=len)", ("key=len", "keys=len"), ("max(", "maximum(")),
            ("from collections import Counter\ncommon = Counter(words).most_common(1)[0]", ("Counter\n", "Counters\n"), ("[0]", "[3]")),
            ("title = ' '.join(word.capitalize() for word in words)", (".capitalize", ".capitalise"), ("' '.join", "' '.joins")),
            ("pairs = list(zip(words, words[1:]))", ("zip(", "zips("), ("[1:]", "['1':]")),
        ),
    ),
    (
        "import pandas as pd\nsales = pd.DataFrame({'region': ['N', 'S', 'N', 'W'], 'units': [4, 7, 1, 9], 'price': [2.5, 3.0, 2.5, 4.0]})",
        "sales.loc[0, 'units'] = 99",
        (
            ("by_region = sales.groupby('region').units.sum()", ("'region'", "'regions'"), (".units", ".unit")),
            ("revenue = (sales.units * sales.price).sum()", ("sales.price", "sales.prices"), (").sum", ").summ")),
            ("best = sales.loc[sales.units.idxmax(), 'region']", ("idxmax", "idx_max"), ("'region'", "'area'")),
            ("wide = sales.pivot_table(index='region', values='units', aggfunc='sum')", ("values='units'", "values='unit'"), ("pivot_table", "pivot_tables")),
            ("top = sales.sort_values('units', ascending=False).head(2)", ("'units'", "'unit'"), ("ascending=", "ascend=")),
        ),
    ),
    (
        "import numpy as np\ngrid = np.arange(12.0).reshape(3, 4)\nweights = np.array([1.0, 2.0, 0.5, 1.5])",
        "grid[0, 0] = 100",
        (
            ("scores = grid @ weights", ("@ weights", "@ weights[:3]"), ("grid @", "gird @")),
            ("columns = grid.mean(axis=0)", ("axis=0", "axis=2"), (".mean(", ".means(")),
            ("normed = (grid - grid.mean()) / grid.std()", ("grid.std", "grid.stdev"), ("grid - ", "grid - weight")),
            ("stacked = np.vstack([grid, weights])", ("vstack", "v_stack"), ("weights]", "weights[:2]]")),
            ("flat = grid.reshape(2, 6)", ("2, 6", "2, 7"), (".reshape", ".reshapes")),
        ),
    ),
    (
        "import json\nraw = '{\"users\": [{\"name\": \"Ada\", \"age\": 36}, {\"name\": \"Alan\", \"age\": 41}]}'\nusers = json.loads(raw)['users']",
        "users.append({'name': 'X', 'age': 1})",
        (
            ("ages = {user['name']: user['age'] for user in users}", ("user['age']", "user['years']"), ("in users", "in user")),
            ("oldest = max(users, key=lambda user: user['age'])['name']", ("['age']", "['Age']"), ("lambda user:", "lambda:")),
            ("data = json.loads(raw)", ("(raw)", "(raw[1:])"), ("json.loads", "json.load")),
            ("mean_age = sum(user['age'] for user in users) / len(users)", ("len(users)", "len(user)"), ("/ len", "/ 0 / len")),
            ("text = json.dumps(users, sort_keys=True)", ("sort_keys=", "sortkeys="), ("dumps", "dumpss")),
        ),
    ),
    (
        "from datetime import date, timedelta\nstart = date(2026, 11, 2)\ndays = [start + timedelta(days=n) for n in range(5)]",
        "days.pop()",
        (
            ("end = start + timedelta(weeks=2)", ("weeks=2", "week=2"), ("timedelta(", "time_delta(")),
            ("names = [day.strftime('%A') for day in days]", (".strftime", ".strtime"), ("in days", "in day")),
            ("gap = (days[-1] - start).days", (".days", ".day"), ("days[-1]", "days[9]")),
            ("first = min(days).isoformat()", ("isoformat", "iso_format"), ("min(days)", "min(dates)")),
            ("birthday = date(2026, 2, 28)", ("2, 28", "2, 30"), ("date(", "dates(")),
        ),
    ),
    (
        "class Account:\n    def __init__(self, owner, balance):\n        self.owner = owner\n        self.balance = balance\n\n    def deposit(self, amount):\n        return Account(self.owner, self.balance + amount)\n\naccounts = [Account('Ada', 10), Account('Bo', 25)]\nlimits = {'Ada': 5, 'Bo': 50}",
        "limits['Ada'] = 0",
        (
            ("total = sum(account.balance for account in accounts)", (".balance", ".balances"), ("in accounts", "in acounts")),
            ("richer = accounts[0].deposit(5)", (".deposit(5)", ".deposit()"), ("accounts[0]", "accounts[4]")),
            ("owners = [account.owner for account in accounts]", (".owner", ".owners"), ("[account.", "[accont.")),
            ("over = [a.owner for a in accounts if a.balance > limits[a.owner]]", ("limits[a.owner]", "limits[a]"), ("a.balance", "a.saldo")),
            ("new = Account('Cy', 3)", ("'Cy', 3", "'Cy'"), ("Account(", "Acount(")),
        ),
    ),
    (
        "import math\npoints = [(0, 0), (3, 4), (6, 8)]\nradius = 2.5",
        "points.insert(0, (9, 9))",
        (
            ("area = math.pi * radius ** 2", ("math.pi", "math.PI"), ("radius", "radios")),
            ("lengths = [math.hypot(x, y) for x, y in points]", ("math.hypot", "math.hypotenuse"), ("for x, y", "for x, y, z")),
            ("steps = [math.dist(a, b) for a, b in zip(points, points[1:])]", ("math.dist", "math.distance"), ("points[1:]", "point[1:]")),
            ("root = math.sqrt(radius)", ("(radius)", "(-radius)"), ("math.sqrt", "math.squareroot")),
            ("middle = tuple(sum(axis) / len(points) for axis in zip(*points))", ("len(points)", "length(points)"), ("zip(*points)", "zip(points)")),
        ),
    ),
    (
        "import re\nlog = ['10:01 ok', '10:05 error disk', '10:09 ok', '11:00 error net']\nlevels = {'ok': 0, 'error': 2}",
        "levels['ok'] = 1",
        (
            ("errors = [line for line in log if 'error' in line]", ("in log", "in logs"), ("'error' in line", "'error' in lin")),
            ("hours = [int(line[:2]) for line in log]", ("line[:2]", "line[:3]"), ("int(", "integer(")),
            ("kinds = [re.split(' ', line)[1] for line in log]", ("[1]", "[5]"), ("re.split", "re.splits")),
            ("worst = max(levels[line.split()[1]] for line in log)", ("[1]]", "[0]]"), ("max(levels", "max(level")),
            ("match = re.search(r'(\\d+):(\\d+)', log[0]).group(2)", ("group(2)", "group(3)"), ("(\\d+):", "(\\d+;")),
        ),
    ),
    (
        "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n\nnumbers = [fib(n) for n in range(8)]\nnames = ['a', 'b', 'c']",
        "numbers.reverse()",
        (
            ("evens = [n for n in numbers if n % 2 == 0]", ("in numbers", "in number"), ("n % 2", "n % 'two'")),
            ("squares = list(map(lambda n: n ** 2, numbers))", ("n ** 2", "n ** two"), ("map(lambda", "maps(lambda")),
            ("lookup = dict(zip(names, numbers))", ("dict(", "dictionary("), ("zip(names", "zip(nams")),
            ("first, *rest = names", ("first, *rest", "first, second"), ("= names", "= nams")),
            ("ratio = numbers[-1] / numbers[-2]", ("numbers[-2]", "numbers[0]"), ("numbers[-1]", "numbers[99]")),
        ),
    ),
)  # fmt: skip
"""The first cell of a notebook, a line that changes its values in place, and cells with two ways in
which each fails: a text, and the text in its place."""


@dataclass(frozen=True)
class Failure:
    """A cell that fails, and what a model answers.

    Args:
        setup: the cell before it.
        broken: the cell.
        fixes: the fixed cells of the model, in order.
        is_fixed: whether the last one is right.
    """

    setup: str
    broken: str
    fixes: tuple[str, str, str]
    is_fixed: bool


def failures(seed: int = 11) -> Iterator[Failure]:
    """Yield a hundred failures; the model is wrong twice, and each fifth time to the end."""
    rng = random.Random(seed)
    number = 0
    for setup, alter, cells in NOTEBOOKS:
        for good, *breaks in cells:
            for old, new in breaks:
                assert old in good, (old, good)
                broken = good.replace(old, new, 1)
                wrong = rng.sample(_wrong(good, broken, alter, setup), 3)
                is_fixed = number % 5 != 0
                fixes = (wrong[0], wrong[1], good if is_fixed else wrong[2])
                yield Failure(setup, broken, fixes, is_fixed)
                number += 1


def _wrong(good: str, broken: str, alter: str, setup: str) -> list[str]:
    """Return fixes that do not work, or that work by other means than the user's."""
    indented = "\n    ".join(broken.split("\n"))
    name = setup.rpartition("\n")[2].partition(" = ")[0]
    return [
        f"{broken}  # fixed",
        f"try:\n    {indented}\nexcept Exception:\n    pass",
        f"import contextlib\nwith contextlib.suppress(Exception):\n    {indented}",
        f"{alter}\n{good}",
        f"{good}\ndel {name}",
        f"{good}\nundefined_name",
        "pass",
        f"{good}\nimport os\nos._exit(0)",
        f"if False:\n    {indented}",
    ]
