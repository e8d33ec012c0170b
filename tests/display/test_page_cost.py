"""The estimates of page time, beside times that were measured in JupyterLab."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.display.page_cost import CODE_LINE_MS, DIAGRAM_MS, TABLE_CELL_MS, page_cost_ms

ANSWERS = Path(__file__).parents[1] / "data/answers"

CHAR_MS = 0.0025
"""Milliseconds for a character of plain text, as measured with 80 kB; the pacer counts them."""


def repeated(text: str, count: int) -> str:
    return "".join(text.replace("%", str(index)) for index in range(count))


ALIGNED = r"""$$
\begin{aligned}
J(\beta) &= \tfrac12 (y - X\beta)^\top (y - X\beta) + \tfrac{\lambda}{2}\beta^\top\beta \\
 &= \tfrac12 y^\top y - \beta^\top X^\top y + \tfrac12 \beta^\top X^\top X \beta .
\end{aligned}
$$

"""

# The milliseconds from an update to its paint, without the 17 that any update takes.
MEASURED_MS = {
    "short formulas": (repeated("word $x_{%}$ ", 100), 92),
    "formulas": (repeated(r"word $\hat\beta_{%} = (X^\top X + \lambda I_p)^{-1} X$ ", 50), 170),
    "long formulas": (ALIGNED * 20, 186),
    "code": ("```python\n" + repeated("value = compute(%, '%')  # a row of code here\n", 300), 47),
    "table": (repeated("| row % | **%** | `code_%` | some words about it |\n", 300), 38),
    "formulas in a table": (
        repeated(r"| % | $x^{%}$ | $\frac{a_%}{b}$ | a |" + "\n", 100),
        292,
    ),
    "an answer": ((ANSWERS / "texmath.md").read_text(encoding="utf-8"), 199),
    "a long table": ((ANSWERS / "longtable.md").read_text(encoding="utf-8"), 48),
}


@pytest.mark.parametrize("name", MEASURED_MS)
def test_an_estimate_is_not_below_the_measured_time(name: str) -> None:
    markdown, measured = MEASURED_MS[name]
    estimate = page_cost_ms(markdown) + CHAR_MS * len(markdown)
    assert measured <= estimate <= 2 * measured


@pytest.mark.parametrize(
    ("markdown", "cost"),
    [
        ("Some *text* with `code`.\n\n- a\n- b\n", 0),
        (r"It costs \$5, and then \$10.", 0),
        ("It costs $5.\n\nAnd then $10.", 0),
        ("```bash\necho $HOME $PATH\n```\n", 2 * CODE_LINE_MS),
        ("```\n| no | table |\n```\n", 0),
        ("- ~~~python\n  x\n  y", 2 * CODE_LINE_MS),
        ("````markdown\n```mermaid\n```\n````\n", 3 * CODE_LINE_MS),
        ("> ```mermaid\n> graph TD\n> A-->B\n> ```\n", DIAGRAM_MS),
        ("```mermaid\nA\n```\n\n```Mermaid\nB\n```\n", 2 * DIAGRAM_MS),
        ("| a | b |", 3 * TABLE_CELL_MS),
    ],
)
def test_what_costs(markdown: str, cost: float) -> None:
    assert page_cost_ms(markdown) == pytest.approx(cost)


@pytest.mark.parametrize(
    "formula", ["$x$", "$$x$$", "$$\nx\n\ny\n$$", "\\begin{align}\nx\n\\end{align}"]
)
def test_a_formula_costs_by_its_number_and_its_length(formula: str) -> None:
    one = page_cost_ms(f"{formula}\n\n")
    assert one > 1
    assert page_cost_ms(f"{formula}\n\n" * 3) == pytest.approx(3 * one)
    assert page_cost_ms(formula.replace("x", "x" * 100)) > one + 4


PIECES = [
    "$",
    "$$",
    "\\$",
    "```",
    "~~~ ",
    "\n",
    "\n\n",
    "| ",
    "x",
    "\\begin{a}",
    "\\end{a}",
    "- ",
    "> ",
]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_has_a_cost(markdown: str) -> None:
    assert page_cost_ms(markdown) >= 0


@pytest.mark.parametrize("piece", [*PIECES, "$x\n", "```\n", "$x\n\n", "$$ x\n"])
def test_no_repetition_takes_long(piece: str) -> None:
    """Quadratic time would be minutes."""
    assert page_cost_ms(piece * 50_000) >= 0
