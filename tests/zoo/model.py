"""What a scripted model says to a request: the same in every family, by words of the question."""

from __future__ import annotations

import json
from typing import Any

from tests.zoo.answers import Answer
from tests.zoo.families import Family

HELLO = "Hello there."
RAIN = "It rains, and it will rain."
COUNT = "one two three four five"
REFUSAL = "I cannot help with that."
CITY = '{"city": "Oslo"}'
NEEDLE = "The password is heron."
TOOLS = ("weather", "forecast")
"""What it calls, one in each round."""

CHARS_PER_TOKEN = 4


def answer(body: dict[str, Any], family: Family) -> Answer:
    """Return what the model says; the request has been checked."""
    text, count = _read(body, family)
    question, results = _question(body)
    said = Answer(_reply(text, question, body, family), input_tokens=count)
    if "weather" in question and body.get("tools"):
        rounds = len(results)
        if rounds < len(TOOLS):
            id = f"call{rounds}abcd" if family.prefix == "mistral" else f"call_{rounds}"
            return Answer("", ((TOOLS[rounds], id),), count)
        return Answer(RAIN, input_tokens=count)
    if "bomb" in question:
        return Answer(REFUSAL, input_tokens=count, is_refusal=True)
    return said


def _reply(text: str, question: str, body: dict[str, Any], family: Family) -> str:
    if "picture" in question:
        has_part = '"image' in text or '"input_image' in text
        return "I see red." if has_part else "I see no picture."
    if "document" in question:
        has_part = '"file' in text or '"input_file' in text or '"document"' in text
        return "It has 2 pages." if has_part else "I see no document."
    if "Where" in question:
        # A model writes the fields only if it was told of them.
        return CITY if '"city"' in text.replace("\\", "") else "Oslo, I think."
    if "password" in question:
        return "heron" if NEEDLE in text else "Nobody told me."
    return COUNT if "Count" in question else HELLO


def _read(body: dict[str, Any], family: Family) -> tuple[str, int]:
    """Return what the model reads of a request, and the tokens: the end, if a server cuts it."""
    text = json.dumps(body, ensure_ascii=False)
    count = len(text) // CHARS_PER_TOKEN
    window = body.get("options", {}).get("num_ctx", family.window)
    if window and count > window:
        return text[-window * CHARS_PER_TOKEN :], window
    return text, count


def _question(body: dict[str, Any]) -> tuple[str, list[Any]]:
    """Return the text of the last question, and the results of tools after it."""
    items = body["input"] if "input" in body else body["messages"]
    question, results = "", list[Any]()
    for item in items:
        content = item.get("content")
        blocks = content if isinstance(content, list) else []
        found = [block for block in blocks if block["type"] == "tool_result"]
        if item.get("role") == "tool" or item.get("type") == "function_call_output" or found:
            results += found or [item]
        elif item.get("role") == "user":
            question, results = json.dumps(content), []
    return question, results
