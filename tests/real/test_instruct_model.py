"""What must hold with any instruct model, and what this one can do."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest

from cellmage import Conversation, Options
from tests.kernel.client import Kernel
from tests.real.weights import fetch


@pytest.fixture(scope="session")
def model() -> str:
    return f"gguf/{fetch().resolve()}"


@pytest.fixture
def chat(model: str) -> Conversation:
    return Conversation(Options(model=model, temperature=0, max_tokens=200))


def test_text_and_a_follow_up(chat: Conversation) -> None:
    first = chat.ask("My name is Ada. Greet me in one short sentence.")
    assert "Ada" in first.text
    assert first.finish_reason == "stop"
    assert first.usage is not None
    assert first.usage.output_tokens
    assert "Ada" in chat.ask("What is my name? Answer with the name alone.").text


def test_a_tool(chat: Conversation) -> None:
    cities: list[str] = []

    def temperature(city: str) -> str:
        """Return the temperature in a city, in degrees Celsius."""
        cities.append(city)
        return "17 degrees"

    answer = chat.ask("How warm is it in Oslo now?", tools=[temperature], approve="always")
    # This model writes its calls as fenced JSON, which llama.cpp takes for text; others call.
    assert "Oslo" in "".join(cities) or '"temperature"' in answer.text


@dataclass
class City:
    name: str
    country: str
    population: int


COUNTRIES = ["Norway", "France", "Japan", "Kenya", "Peru", "India", "Spain", "Chile", "Ghana",
             "Egypt", "Italy", "Nepal", "Cuba", "Iran", "Iraq", "Laos", "Mali", "Oman", "Qatar",
             "Samoa"]  # fmt: skip


def test_every_answer_has_the_fields_of_its_schema(chat: Conversation) -> None:
    for country in COUNTRIES:
        prompt = f"Which city is the capital of {country}?"
        schema = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}
        text = chat.ask(prompt, extra_body={"response_format": schema}, history="ignore").text
        city = City(**json.loads(text))
        assert isinstance(city.population, int)


SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "country": {"type": "string"},
        "population": {"type": "integer"},
    },
    "required": ["name", "country", "population"],
    "additionalProperties": False,
}


def test_a_stop_keeps_what_was_said_and_the_next_question_is_answered(chat: Conversation) -> None:
    stream = chat.stream("Count from one to a hundred, in words.", max_tokens=1000)
    with stream:
        for count, _ in enumerate(stream):
            if count == 10:
                break
    assert stream.response.incomplete_reason == "closed"
    assert stream.response.text
    assert "4" in chat.ask("What is 2 + 2? Answer with the number alone.").text


def test_a_formula_in_a_cell(kernel: Kernel, model: str) -> None:
    prompt = "Write the quadratic formula as LaTeX, and nothing else."
    cell = kernel.start(f"%%llm -m {model} -t 0 --max-tokens 100\n{prompt}", "c1")
    run = kernel.finish(cell, timeout=300)
    assert run.ok
    assert "\\sqrt" in kernel.value("_llm.text")
    assert "$" in run.frames[-1].markdown


def test_what_a_frame_holds(kernel: Kernel, model: str) -> None:
    frame = "{'region': ['North', 'South'] * 50, 'units': range(100), 'price': [2.5] * 100}"
    assert kernel.run(f"import pandas as pd; sales = pd.DataFrame({frame})").ok
    prompt = "List the names of the columns of this table, and the number of its rows."
    cell = kernel.start(f"%%llm -m {model} -t 0 --max-tokens 80 --attach sales\n{prompt}", "c1")
    assert kernel.finish(cell, timeout=300).ok
    answer = kernel.value("_llm.text")
    assert {"100", "region", "units", "price"} <= set(re.findall(r"\w+", answer)), answer
