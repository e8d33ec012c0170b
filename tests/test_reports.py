"""Each public report of JSON, tools, documents, copies and histories has a test."""

from __future__ import annotations

import json
from pathlib import Path

from tests.defined_tests import defined_tests

REPORTS = json.loads((Path(__file__).parent / "data/reports.json").read_text("utf-8"))["cases"]
KINDS = {"json", "tools", "rag", "api", "history"}

TESTS = {
    "arguments 'null'": "test_no_arguments",
    "def f(x: int, *args)": "test_parameters_without_names",
    "async def f(): yield 1": "test_an_async_generator",
    '```json\n{"a": 1}\n```\nSee [docs] for more.': "test_public_reports",
    '```bash\nls\n```\n\n```json\n{"a": 1}\n```': "test_public_reports",
    '{"x": NaN}': "test_public_reports",
    "docs in zh and ja; questions 静默, 成語しりとり, 播客什么时候更新?": "test_the_first_result",
    "a.csv in UTF-16 with a BOM (Excel, PowerShell)": "test_encodings",
    "'Straße nach Köln' in latin-1": "test_encodings",
    "a notebook with a heading, a function and a 60 kB picture": "test_a_notebook_is_its_cells",
    "a folder with a 5 MiB .ipynb and a small .md": "test_files_that_are_left_out_are_named",
    "p.html with <style> and <script>": "test_a_page_is_what_a_reader_sees",
    "copy.deepcopy(conversation); pickle": "test_a_fork",
    "a tool round without text, then the next request": "test_results_are_sent_to_the_model",
}
"""The inputs of the reports, and the names of their tests."""


def test_each_report_has_a_test() -> None:
    inputs = {report["input"] for report in REPORTS if report["kind"] in KINDS}
    assert inputs == set(TESTS)
    assert set(TESTS.values()) <= defined_tests()
