"""`%%llm --each`: the prompt of a cell for each row of a variable."""

from __future__ import annotations

from tests.kernel.client import Kernel


def test_each_row_is_asked_and_the_results_are_a_variable(offline: Kernel) -> None:
    offline.run("each_rows = [{'word': 'a', 'items': 1}, {'word': 'b', 'items': 2}]")
    offline.run("each_tail = '!'")
    cell = "%%llm --each each_rows --out each_result -m offline/echo\n"
    run = offline.run(cell + "{{ row.items }} {{ word }}{{ each_tail }} {{ item['word'] }}")
    assert "2 of 2 rows; each_result.frame() is a table" in run.printed
    assert offline.value("each_result.values") == ["1 a! a", "2 b! b"]


def test_a_frame_has_a_table_of_answers(offline: Kernel) -> None:
    offline.run("import pandas\neach_frame = pandas.DataFrame({'n': [1, 2]})")
    offline.run("%%llm --each each_frame --out each_answers -m offline/echo\nSay {{ n }}")
    assert offline.value("each_answers.frame()['answer'].tolist()") == ["Say 1", "Say 2"]
    assert offline.value("each_answers.counts.describe()") == "2 of 2 rows"


def test_no_turn_is_made(offline: Kernel) -> None:
    offline.run("each_ones = [1]")
    offline.run("%%llm --each each_ones -m offline/echo\nSay {{ item }}")
    assert offline.value("_llm.values") == ["Say 1"]
    assert "Say 1" not in offline.run("%llm_history").printed


def test_what_cannot_be_asked(offline: Kernel) -> None:
    offline.run("each_known = [1]")
    run = offline.run("%%llm --each each_knwn -m offline/echo\nSay {{ item }}")
    assert "did you mean each_known?" in run.error
    run = offline.run("%%llm --each each_known --tool abs -m offline/echo\nSay {{ item }}")
    assert "--each does not go with --tool" in run.error
