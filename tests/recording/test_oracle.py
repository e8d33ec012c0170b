"""Any edits of a notebook: exactly the cells are asked that the rule of dependencies says.

The rule is written here once more, with plain texts and without keys: an answer depends on the
prompt, the turns that are sent before it, the model and its options, the source of the tools, and
what is in values and files. ``make stress`` makes 10 000 edits.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cellmage import Conversation, Options
from cellmage.conversation.store import ConversationScope, Store
from cellmage.events import Complete, Event, Start, Token
from cellmage.magics.value_inputs import ValueInputs
from cellmage.messages import Request
from cellmage.recording import FRESH, KEEP, Recorder, Recording
from cellmage.turns import CellRef

EDITS = int(os.environ.get("EDITS", "75"))
EDITS_OF_A_NOTEBOOK = 25
CELLS = 40
SCOPE = ConversationScope("notebook", "/notes", path="/notes/a.ipynb")


def rainy() -> Callable[..., str]:
    def weather(city: str) -> str:
        """The weather in a city."""
        return f"rain in {city}"

    return weather


def sunny() -> Callable[..., str]:
    def weather(city: str) -> str:
        """The weather in a city."""
        return f"sun in {city}"

    return weather


TOOLS: Sequence[Callable[..., str] | None] = (None, rainy(), sunny())
MODELS = ("m", "n")


class Counter:
    """A provider that answers each request with another text."""

    name = "counter"

    def __init__(self) -> None:
        self.count = 0

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        self.count += 1
        yield Start(request.options.model or "", self.name)
        yield Token(f"answer {self.count}")
        yield Complete("stop")


@dataclass(frozen=True)
class Cell:
    """A cell with a prompt, and what the prompt uses."""

    id: str
    prompt: str = "Tell me."
    model: int = 0
    temperature: int = 0
    tool: int = 0
    value: int | None = None
    has_file: bool = False
    has_history: bool = True


@dataclass
class Rule:
    """The plain rule: which answer a cell has, for what its answer depends on.

    Each cell has an answer of its own. A cell that has none takes the first that no cell of this
    kernel has used.
    """

    answers: dict[Any, dict[int, tuple[str, str]]] = field(default_factory=dict)
    used: dict[Any, dict[int, str]] = field(default_factory=dict)

    def restart(self) -> None:
        self.used.clear()

    def number(self, cell: str, inputs: Any) -> int:
        used, answers = self.used.setdefault(inputs, {}), self.answers.setdefault(inputs, {})
        mine = [number for number, user in used.items() if user == cell]
        mine = mine or [number for number, (owner, _) in answers.items() if owner == cell]
        number = mine[0] if mine else min({*range(1, len(used) + 2)} - used.keys())
        used.setdefault(number, cell)
        return number

    def expect(self, cell: str, inputs: Any) -> str | None:
        """Return the answer that is shown; None if the model is asked."""
        number = self.number(cell, inputs)
        answers = self.answers[inputs]
        if number not in answers:
            return None
        owner, text = answers[number]
        if owner != cell:
            own = max({*answers, *self.used[inputs]}) + 1
            answers[own] = (cell, text)
            self.used[inputs][number] = "taken"
            self.used[inputs][own] = cell
        return text

    def keep(self, cell: str, inputs: Any, text: str) -> None:
        self.answers[inputs][self.number(cell, inputs)] = (cell, text)


class Notebook:
    """A notebook of 40 prompts with real conversations, and the rule beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.provider, self.rule = Counter(), Rule()
        self.cells = [
            Cell(
                f"c{n}",
                prompt="Tell me." if n % 5 == 0 else f"Tell me of {n}.",
                model=n % 7 == 0,
                tool=n % 4 if n % 4 < len(TOOLS) else 0,
                value=n % 3 if n % 3 else None,
                has_file=n % 6 == 0,
                has_history=n % 2 == 0,
            )
            for n in range(CELLS)
        ]
        self.values: dict[int, list[int]] = {1: [1], 2: [2]}
        self.file = folder / "notes.txt"
        self.file.write_text("0")
        self.store = Store(folder / "turns.db")
        self.new_ids = 0
        self.runs = self.asked = 0
        self.restart()

    def restart(self) -> None:
        """Begin in another kernel: its conversation is empty."""
        self.store.close()
        self.recording = Recording(self.store.records(SCOPE), KEEP)
        self.chat = Conversation(Options(), provider=self.provider)
        self.rule.restart()

    def run(self, cell: Cell, policy: Any = KEEP) -> None:
        """Run a cell, and compare what happens with the rule."""
        inputs = self.inputs(cell)
        expected = self.rule.expect(cell.id, inputs) if policy is KEEP else None
        before = self.provider.count
        text = self.ask(cell, policy)
        case = (cell, inputs, expected, text)
        assert self.provider.count - before == (expected is None), case
        if expected is None:
            self.rule.number(cell.id, inputs)
            self.rule.keep(cell.id, inputs, text)
            self.asked += 1
        else:
            assert text == expected, case
        self.runs += 1

    def inputs(self, cell: Cell) -> Any:
        """Return what the answer depends on, as plain values."""
        ref = CellRef(cell.id, 0)
        turns = self.chat.history.before(ref) if cell.has_history else ()
        return (
            cell.prompt,
            MODELS[cell.model],
            cell.temperature,
            cell.tool,
            None if cell.value is None else (cell.value, tuple(self.values[cell.value])),
            self.file.read_text() if cell.has_file else None,
            tuple((turn.prompt, turn.response.text) for turn in turns),
        )

    def ask(self, cell: Cell, policy: Any) -> str:
        used, ref = ValueInputs(True), CellRef(cell.id, 0)
        if cell.value is not None:
            used.add(f"value {cell.value}", self.values[cell.value])
        if cell.has_file:
            used.add("notes.txt", self.file)
        tool = TOOLS[cell.tool]
        response = self.chat.ask(
            cell.prompt,
            model=MODELS[cell.model],
            temperature=cell.temperature,
            tools=[tool] if tool else [],
            cell=ref if cell.has_history else None,
            history="use" if cell.has_history else "ignore",
            recorder=Recorder(self.recording, used.fingerprints, policy, ref),
        )
        return response.text

    def run_all(self) -> None:
        for cell in self.cells:
            self.run(cell)

    # Edits. `index` is a cell, `number` decides the rest.

    def set_prompt(self, index: int, number: int) -> None:
        self._change(index, prompt=f"Tell me of {number}." if number else "Tell me.")

    def set_model(self, index: int, number: int) -> None:
        self._change(index, model=number % len(MODELS))

    def set_temperature(self, index: int, number: int) -> None:
        self._change(index, temperature=number % 3)

    def set_tool(self, index: int, number: int) -> None:
        self._change(index, tool=number % len(TOOLS))

    def set_use_of_history(self, index: int, number: int) -> None:
        self._change(index, has_history=bool(number % 2))

    def set_value(self, index: int, number: int) -> None:
        self.values[1 + index % 2] = [number]

    def change_value_in_place(self, index: int, number: int) -> None:
        self.values[1 + index % 2].append(number)

    def write_file(self, index: int, number: int) -> None:
        self.file.write_text(str(number))

    def move_cell(self, index: int, number: int) -> None:
        self.cells.insert(number % CELLS, self.cells.pop(index % len(self.cells)))

    def copy_cell(self, index: int, number: int) -> None:
        self.new_ids += 1
        copy = replace(self.cells[index % len(self.cells)], id=f"n{self.new_ids}")
        self.cells[index % len(self.cells)] = copy
        if number % 2:
            self.cells.insert(number % CELLS, replace(copy, id=f"d{self.new_ids}"))
            self.cells.pop()

    def drop_turn(self, index: int, number: int) -> None:
        if self.chat.turns:
            self.chat.history.drop(1 + number % len(self.chat.turns))

    def edit_answer(self, index: int, number: int) -> None:
        if self.chat.turns:
            self.chat.history.edit(1 + index % len(self.chat.turns), f"edited {number}")

    def run_fresh(self, index: int, number: int) -> None:
        self.run(self.cells[index % len(self.cells)], FRESH)

    def restart_kernel(self, index: int, number: int) -> None:
        self.restart()

    def change_nothing(self, index: int, number: int) -> None:
        pass

    def _change(self, index: int, **fields: Any) -> None:
        index %= len(self.cells)
        self.cells[index] = replace(self.cells[index], **fields)


KINDS = [
    name
    for name, member in vars(Notebook).items()
    if callable(member) and "number" in member.__code__.co_varnames[:3]
]
EDIT = st.tuples(
    st.sampled_from(KINDS), st.integers(0, CELLS - 1), st.integers(0, 12), st.integers(0, 9)
)


@settings(max_examples=max(1, EDITS // EDITS_OF_A_NOTEBOOK), deadline=None)
@given(st.lists(EDIT, min_size=EDITS_OF_A_NOTEBOOK, max_size=EDITS_OF_A_NOTEBOOK))
def test_exactly_the_cells_are_asked_that_the_rule_says(
    edits: list[tuple[str, int, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        notebook = Notebook(Path(folder))
        notebook.run_all()
        for kind, index, number, cells_to_run in edits:
            getattr(notebook, kind)(index, number)
            if cells_to_run == 0:
                notebook.run_all()
            for offset in range(cells_to_run % 4):
                cell = (index + 7 * offset) % len(notebook.cells)
                notebook.run(notebook.cells[cell])
        notebook.run_all()
        notebook.restart()
        notebook.run_all()
        before = notebook.provider.count
        notebook.restart()
        notebook.run_all()
        assert notebook.provider.count == before, "a notebook that is run again asks nothing"
        notebook.store.close()
