"""Arguments of tool calls that invite wrong reading, and readers of what is shown of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

KEEP = '''received = []
def keep(**values) -> str:
    """Keep the values."""
    received.append(values)
    return "kept"'''
"""A tool that takes all arguments, as a cell defines it."""

_TEXTS = (
    "Oslo",
    "",
    "a\nb",
    "a\r\nb\x85c\u2028d\u2029e",
    "tab\there\x0b\x0c",
    "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "\x9b1mC1",
    "\u202egnp.exe",
    "\u2066\u2067x\u2069\u200e\u200f\u061c",
    "\u05d0\u05d1, 12",
    "\u0627\u0644\u0633",
    "zero\u200bwidth\u200c\u200d\u2060\ufeff",
    "\u3164\u115f\u1160\uffa0\u2800\xad\u034f\u180e",
    "\U000e0041\U000e0042\U000e007f",
    "\xa0\u2003\u3000 wide",
    " " * 40 + "far away",
    "o\u0338\u0308\u0308\u0308\u0308\u0308\u20dd",
    "**bold** `code` [a](javascript:x) ![i](http://x)",
    "<script>alert(1)</script><img src=x onerror=alert(2)>&amp;&#8238;",
    "</pre></div><button>Run once</button>",
    '", city="Rome',
    '\\", \\u202e \\\\',
    "$x$ \\(y\\)",
    "р\u0430ypal",
    "\U0001f469\u200d\U0001f4bb\U0001f600",
    "…  (and 5 more characters)",
    "x = 1\n    y = 2\nother=3",
    "print('a')\n\tif b:\r\n  pass  \n",
    "print('\\u202e')\nprint('\u202e')",
)

_NAMES = (
    "city",
    "c\u0456ty",
    "\uff43\uff49\uff54\uff59",
    "code",
    "c\u043ede",
    "a" * 300,
    "_",
    "\u05d0\u05d1",
    "__class__",
    "values_",
)
"""Names that a function with ``**values`` takes: look-alikes are different names."""

_NUMBERS = ("0", "-0.0", "1e22", "1e308", "1E-7", "0.1", str(10**40), "-1", "12345678901234567")
_REFUSED = ("1e400", "-1e999", '"\\ud800"')
"""What no tool receives: a number beyond those of floats, and half a character."""

_LONG = 1_000_000


def hostile_arguments(count: int, seed: int) -> Sequence[str]:
    """Return so many arguments as a model may write them, each a JSON object; one has 1 MB.

    Args:
        count: how many.
        seed: the same seed gives the same arguments.
    """
    random = Random(seed)
    texts = [_object(random) for _ in range(count - 2)]
    long = "".join(random.choices(_TEXTS, k=40)) + "x" * _LONG + "\u202e, city=1"
    refused = f'{{"city": [{{"a": {random.choice(_REFUSED)}}}]}}'
    return [*texts, refused, json.dumps({"city": long, "end": 1})]


def _object(random: Random) -> str:
    names = random.sample(_NAMES, random.randint(1, 4))
    items = [f"{_dumps(name, random)}: {_value(random, 0)}" for name in names]
    return "{" + random.choice((", ", ",\n  ")).join(items) + "}"


def _value(random: Random, depth: int) -> str:
    """Return a value as JSON."""
    kind = random.random()
    if kind < 0.1 and depth < 3:
        return f"[{', '.join(_value(random, depth + 1) for _ in range(random.randint(0, 3)))}]"
    if kind < 0.2 and depth < 3:
        keys = random.sample(_TEXTS, 2)
        items = (f"{_dumps(key, random)}: {_value(random, depth + 1)}" for key in keys)
        return f"{{{', '.join(items)}}}"
    if kind < 0.3:
        return random.choice((*_NUMBERS, "true", "false", "null"))
    if kind < 0.31:
        return random.choice(_REFUSED)
    return _dumps("".join(random.choices(_TEXTS, k=random.randint(1, 3))), random)


def _dumps(text: str, random: Random) -> str:
    return json.dumps(text, ensure_ascii=random.random() < 0.5)


def is_refused(arguments: str) -> bool:
    """Return whether no tool may receive these arguments."""
    return any(piece in arguments for piece in _REFUSED)


_NAME = re.compile(r"[A-Za-z_]\w*(?==)", re.ASCII)
_DECODER = json.JSONDecoder()


def read_items(line: str) -> Mapping[str, Any]:
    """Return the arguments that a line shows: a name, ``=`` and JSON, separated by ``, ``.

    Raises:
        AssertionError: it has anything else, or a character that is not seen.
    """
    assert line.isprintable(), repr(line)
    values: dict[str, Any] = {}
    end = 0
    while end < len(line):
        if plain := _NAME.match(line, end):
            name, end = plain[0], plain.end()
        else:
            name, end = _DECODER.raw_decode(line, end)
        assert line[end] == "=", line[end:]
        assert name not in values
        values[name], end = _DECODER.raw_decode(line, end + 1)
        assert line[end : end + 2] in ("", ", "), line[end:]
        end += 2
    return values


def equal(read: Iterable[Mapping[str, Any]], arguments: Iterable[str]) -> bool:
    """Return whether what was read is what these arguments are, in their order, to the digit."""
    return list(map(json.dumps, read)) == [json.dumps(json.loads(text)) for text in arguments]


def read_card(text: str) -> Mapping[str, Any]:
    """Return the arguments that a card shows: an argument in a line, and code in its lines."""
    lines = text.split("\n")
    values: dict[str, Any] = {}
    while lines:
        line = lines.pop(0)
        if line != "code:":
            values |= read_items(line)
            continue
        code = []
        while lines and lines[0].startswith("    "):
            code.append(lines.pop(0)[4:])
            assert code[-1].isprintable(), repr(code[-1])
        values["code"] = "\n".join(code)
    return values
