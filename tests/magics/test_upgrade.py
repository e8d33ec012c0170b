"""The prompts of a notebook, asked again with another model; a real server answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

import pytest

from cellmage import Conversation, Options, Response, Turn, Usage
from cellmage.magics.upgrade_run import Outcome, Question, UpgradeRun
from cellmage.magics.upgrade_table import describe_plan, describe_totals, make_table, total_usage
from cellmage.recording.estimates import estimate_turn
from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, chunk, finish, usage
from cellmage.turns import CellRef

CODE = "Here:\n\n```python\ndef f(x):\n    return {}  # {}\n```\n"


def planted(number: int) -> tuple[str, str, str]:
    """The kind of a prompt, and the answers of two models: 7 of 50 differ."""
    text = f"Answer {number}: the water is {number} m high, as the table of the port says."
    value = {"city": f"Brest {number}", "high": [number, {"unit": "m"}]}
    changed_value = {"city": f"Brest {number}", "high": [number, {"unit": "cm"}]}
    cases: dict[int, tuple[str, str, str]] = {
        3: ("text", text, text.replace("high", "low")),
        11: ("text", text, f"{text} It rises."),
        17: ("value", json.dumps(value), json.dumps(changed_value)),
        23: ("value", json.dumps(value), json.dumps({**value, "note": None})),
        29: ("code", CODE.format("x + 1", "adds"), CODE.format("x - 1", "adds")),
        37: ("code", CODE.format("x + 1", "adds"), CODE.format("x + 1.5", "adds")),
        44: ("text", CODE.format("x", "it"), CODE.format("-x", "it")),
        # Not one of these is a difference.
        5: ("text", text, text.replace(" ", "\n", 3) + "\n"),
        6: ("text", CODE.format("x + 1", "adds"), CODE.format("(x+1)", "other words")),
        7: ("code", CODE.format("x + 1", "adds"), "Of course!\n" + CODE.format("x+1", "")),
        8: ("value", json.dumps(value), json.dumps(dict(reversed(value.items())), indent=2)),
        9: ("value", json.dumps(value), f"```json\n{json.dumps(value)}\n```"),
        10: ("text", "- one\n- two", "* one\n* two"),
    }
    return cases.get(number, ("text", text, text))


CHANGED = {3, 11, 17, 23, 29, 37, 44}


def tokens(texts: Sequence[str]) -> int:
    """How the server counts: words, and what each message costs."""
    return sum(len(text.split()) + 4 for text in texts)


class Notebook:
    """A conversation of 50 cells with one model, and the server of both.

    Args:
        server: answers prompt N with that of the model that is named.
    """

    def __init__(self, server: ScriptedServer, count: int = 50) -> None:
        self.counted: list[Usage] = []
        self.extra = ""
        self.failing: dict[int, Reply] = {}
        server.play_with(self.reply)
        self.options = Options(base_url=server.url, model="old")
        self.chat = Conversation(self.options)
        for number in range(count):
            prompt, text = f"Prompt {number}", planted(number)[1]
            sent = [message.text for turn in self.chat.turns for message in turn.messages()]
            counts = Usage(tokens([*sent, prompt]), tokens([text]))
            response = Response(text, model="old", usage=counts, id=f"r{number}")
            self.chat.history.extend([Turn(prompt, response, CellRef(f"cell-{number}", 0))])

    def reply(self, exchange: Exchange) -> Reply:
        question = exchange.messages[-1][1]
        number, is_new = int(question.split()[1]), exchange.body["model"] == "new"
        if is_new and number in self.failing:
            return self.failing[number]
        text = planted(number)[1 + is_new] + (self.extra if is_new else "")
        counts = tokens([text for _, text in exchange.messages]), tokens([text])
        self.counted.append(Usage(*counts))
        return Reply([chunk(text), finish(), usage(*counts), DONE])

    def questions(self) -> list[Question]:
        return [
            Question(
                turn,
                Options(base_url=self.options.base_url, model="new"),
                planted(number)[0],  # type: ignore[arg-type]
                expected=estimate_turn(turn, self.chat.turns[:number]),
            )
            for number, turn in enumerate(self.chat.turns)
        ]


def price(usage: Usage) -> Decimal:
    """Dollars: 1 for a million tokens in, 10 for a million out."""
    return (Decimal(usage.input_tokens or 0) + 10 * (usage.output_tokens or 0)) / 1_000_000


@pytest.fixture
def notebook(server: ScriptedServer) -> Notebook:
    return Notebook(server)


def states(outcomes: Sequence[Outcome], state: str) -> set[int]:
    return {number for number, outcome in enumerate(outcomes) if outcome.state == state}


def test_exactly_the_planted_differences_are_found(notebook: Notebook) -> None:
    outcomes = list(UpgradeRun(Conversation(), price).ask(notebook.questions()))
    assert states(outcomes, "changed") == CHANGED
    assert states(outcomes, "same") == set(range(50)) - CHANGED
    words = {number: outcomes[number].words for number in CHANGED}
    assert words[17] == 'value: high[1].unit: "m" → "cm"'
    assert words[29] == "code: the code block (python) differs"
    assert words[3].startswith("text: 9")


def test_the_estimate_is_near_what_the_server_counts(notebook: Notebook) -> None:
    questions = notebook.questions()
    expected = price(total_usage(questions))
    run = UpgradeRun(Conversation(), price)
    list(run.ask(questions))
    counted = sum(map(price, notebook.counted), Decimal(0))
    assert abs(expected / counted - 1) < Decimal("0.1")
    assert run.spent == counted


def test_prompts_are_sent_as_they_were_after_the_new_answers(
    notebook: Notebook, server: ScriptedServer
) -> None:
    turns = notebook.chat.turns
    list(UpgradeRun(Conversation(), price).ask(notebook.questions()))
    sent = [text for role, text in server.last.messages if role == "user"]
    assert sent == [turn.prompt for turn in turns]
    assert server.last.messages[7][1] == planted(3)[2]
    assert notebook.chat.turns == turns


@pytest.mark.parametrize("extra", ["", " and so on" * 400])
@pytest.mark.parametrize("share", ["0.02", "0.9"])
def test_the_budget_is_never_exceeded(
    notebook: Notebook, server: ScriptedServer, extra: str, share: str
) -> None:
    """Also where each answer is a hundred times as long as the old one."""
    questions = notebook.questions()
    limit = price(total_usage(questions)) * Decimal(share)
    notebook.extra = extra
    reply, lengths = notebook.reply, []

    def obey(exchange: Exchange) -> Reply:
        """Cut an answer at the limit that is sent, as a model does."""
        limit = exchange.body.get("max_completion_tokens") or exchange.body.get("max_tokens")
        full = reply(exchange)
        counts = notebook.counted[-1]
        lengths.append(limit)
        if limit is None or (counts.output_tokens or 0) <= limit:
            return full
        notebook.counted[-1] = Usage(counts.input_tokens, limit)
        return Reply([chunk("cut"), finish("length"), usage(counts.input_tokens or 0, limit), DONE])

    server.play_with(obey)
    run = UpgradeRun(Conversation(), price, limit)
    outcomes = list(run.ask(questions))
    counted = sum(map(price, notebook.counted), Decimal(0))
    assert counted <= limit, lengths
    assert states(outcomes, "not asked")
    assert "budget" in outcomes[-1].words


def test_what_fails_is_told_and_the_others_are_asked(
    notebook: Notebook, server: ScriptedServer
) -> None:
    error = json.dumps({"error": {"message": "no such format"}}).encode()
    notebook.failing = {4: Reply([error], status=400, content_type="application/json")}
    outcomes = list(UpgradeRun(Conversation(), price).ask(notebook.questions()))
    assert states(outcomes, "failed") == {4}
    assert "no such format" in outcomes[4].words
    assert server.last.messages[9][1] == planted(4)[1], "the old answer stands in its place"


def test_what_every_prompt_would_fail_with_ends_the_run(notebook: Notebook) -> None:
    error = json.dumps({"error": {"message": "wrong key"}}).encode()
    notebook.failing = {4: Reply([error], status=401, content_type="application/json")}
    outcomes = list(UpgradeRun(Conversation(), price).ask(notebook.questions()))
    assert (states(outcomes, "failed"), states(outcomes, "not asked")) == ({4}, set(range(5, 50)))


def test_a_run_that_was_stopped_is_continued(notebook: Notebook, server: ScriptedServer) -> None:
    questions = notebook.questions()
    first = list(UpgradeRun(Conversation(), price, Decimal("0.01")).ask(questions))
    done = min(states(first, "not asked"))
    assert 0 < done < 50
    notebook.counted.clear()
    second = list(UpgradeRun(Conversation(), price, known=first).ask(questions))
    assert len(notebook.counted) == 50 - done
    assert states(second, "changed") == CHANGED


def test_questions_that_are_left_out_have_their_old_answer(
    notebook: Notebook, server: ScriptedServer
) -> None:
    questions = notebook.questions()[:3]
    left_out = Question(questions[1].turn, questions[1].options, why_not="it has tools")
    outcomes = list(UpgradeRun(Conversation(), price).ask([questions[0], left_out, questions[2]]))
    assert [outcome.state for outcome in outcomes] == ["same", "left out", "same"]
    assert len(notebook.counted) == 2
    assert [text for role, text in server.last.messages if role == "assistant"] == [
        planted(number)[1] for number in range(2)
    ]


def test_the_table_has_what_changed_first(notebook: Notebook) -> None:
    questions = notebook.questions()
    outcomes = list(UpgradeRun(Conversation(), price).ask(questions))
    table = make_table(outcomes, lambda turn: f"[{turn.cell}]", describe_totals(outcomes))
    text = repr(table)
    assert text.index("7 answers changed") < text.index("43 answers are the same")
    assert table[0]["answer"].startswith("text: 9")
    plan = describe_plan(questions, "new", price, Decimal(2))
    assert plan.startswith("50 prompts for new: about ")
    assert plan.endswith("; at most $2.00 (--budget).")


def test_a_cut_answer_is_no_answer(server: ScriptedServer) -> None:
    server.play(chunk("Half an"), finish("length"), DONE)
    turn = Turn("Hi", Response("Hello"))
    options = Options(base_url=server.url, model="new")
    (outcome,) = UpgradeRun(Conversation(), price).ask([Question(turn, options)])
    assert (outcome.state, outcome.words, outcome.response) == ("failed", "cut: length", None)


def test_nothing_to_compare() -> None:
    assert describe_totals([]) == "No answer to compare."
