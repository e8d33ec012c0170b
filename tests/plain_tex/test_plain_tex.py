"""Formulas as plain text: exact, or not at all."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.plain_tex import plain_tex
from cellmage.plain_tex.chemistry import plain_equation
from tests.repetitions import repeat

EXACT = {
    r"x^2 + y_1": "x² + y₁",
    r"X \in \mathbb{R}^{n \times p}": "X ∈ ℝ^(n×p)",
    r"e^{i\pi} + 1 = 0": "e^(iπ) + 1 = 0",
    r"\int_0^1 x\,dx": "∫₀¹ x dx",
    r"\frac{1}{2}mv^2": "½mv²",
    r"\tfrac12": "½",
    r"\frac{\lambda}{2} \beta": "(λ/2)β",
    r"\frac{a+b}{2c}": "(a + b)/(2c)",
    r"\frac{dy}{dx} = \frac{\partial f}{\partial x}": "dy/dx = ∂f/∂x",
    r"\left(\frac{a}{b}\right)^2": "(a/b)²",
    r"\sqrt{x+1}": "√(x + 1)",
    r"\sqrt x": "√x",
    r"\sqrt{x^2}": "√(x²)",
    r"\sqrt{x}\,y": "√(x) y",
    r"\sqrt[3]{8}, \sqrt[n]{x}": "∛8, ⁿ√x",
    r"\lVert y - X\beta \rVert_2^2": "‖y − Xβ‖₂²",
    r"\hat\beta_{\text{ridge}}": "β̂_(ridge)",
    r"X^\top X + \lambda I_p": "X^⊤X + λIₚ",
    r"90^\circ, f'(x), f''": "90°, f′(x), f′′",
    r"\sum\limits_{j=1}^{p} d_j": "∑ⱼ₌₁ᵖ dⱼ",
    r"\lim_{x \to 0} \frac{\sin x}{x}": "lim_(x→0) ((sin x)/x)",
    r"\operatorname{diag}\!\left(a\right)": "diag(a)",
    r"P(A \mid B)": "P(A | B)",
    r"\{x : x \ge 0\}": "{x : x ≥ 0}",
    r"a \not= b, c \notin D": "a ≠ b, c ∉ D",
    r"\mathcal{N}(0, \tau^2 I), \boldsymbol{\Sigma}, \mathfrak{g}": "𝒩(0, τ²I), 𝚺, 𝔤",
    r"1,000 \text{ and } f(a,b)": "1,000 and f(a, b)",
    r"-x - -y": "−x − −y",
    r"5\% \text{ of $x^2$ or \$3}": "5% of x² or $3",
    r"a \equiv b \pmod{n}": "a ≡ b (mod n)",
    r"\boxed{42}": "42",
    r"E = mc^2 \tag{1}": "E = mc²    (1)",
    r"\begin{equation}E = mc^2\end{equation}": "E = mc²",
    r"\underset{x}{\operatorname{argmin}} f(x)": "argminₓ f(x)",
    r"X_n \overset{d}{\to} X, a \xrightarrow{f} b": "Xₙ →ᵈ X, a →ᶠ b",
    r"\left\{ a \right., \arg\max_x": "{a, arg maxₓ",
    r"a % a comment": "a",
}


@pytest.mark.parametrize("tex", EXACT)
def test_what_unicode_says_exactly(tex: str) -> None:
    assert plain_tex(tex) == EXACT[tex]


@pytest.mark.parametrize(
    ("tex", "lines"),
    [
        (r"\begin{aligned} a &= b \\ &= cd \end{aligned}", ["a = b", "  = cd"]),
        (r"\begin{align*} a &= b & c &= d \\ e &= f \end{align*}", ["a = b    c = d", "e = f"]),
        (r"A = \begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}^2", ["A = ⎛1  0⎞²", "    ⎝0  1⎠"]),
        (r"\begin{bmatrix} a & b \end{bmatrix}", ["[a  b]"]),
        (r"\left| \begin{array}{cc} a & b \\ c & d \end{array} \right|", ["│a  b│", "│c  d│"]),
        (
            r"f = \begin{cases} 1 & \text{if } x > 0 \\ 0 & x = 0 \\ -1 \end{cases}",
            ["    ⎧1   if x > 0", "f = ⎨0   x = 0", "    ⎩−1"],
        ),
        ("a \\\\ b", ["a", "b"]),
    ],
)
def test_rows_are_lines(tex: str, lines: list[str]) -> None:
    assert (plain_tex(tex) or "").split("\n") == lines


@pytest.mark.parametrize(
    "tex",
    [
        r"\foo", r"\underbrace{a}_{b}", r"\hat{xy}", r"\ce{x^x}", "a & b", "{a", r"\left( a",
        r"\begin{tikzcd} a \end{tikzcd}", r"\frac{\begin{matrix}1\\2\end{matrix}}{3}", "#", " ",
        r"\begin{array}{c|c} a & b \end{array}", r"\mathbb{é}", r"\frac{}{a}", r"\end{x}",
        r"\sqrt[", "{" * 99 + "}" * 99, r"\text{\foo}", r"\operatorname{\foo}",
        r"\left ab", r"\frac", r"\xrightarrow[T]{p}",
    ],
)  # fmt: skip
def test_all_else_has_no_plain_text(tex: str) -> None:
    assert plain_tex(tex) is None


def test_chemistry() -> None:
    equation = "CH4 + 2 O2 -> CO2 + 2 H2O"
    assert plain_equation(equation) == "CH₄ + 2 O₂ → CO₂ + 2 H₂O"
    assert plain_equation("NH4+ (aq) <=> H+") == "NH₄⁺ (aq) ⇌ H⁺"
    assert plain_equation("CuSO4.5H2O") == "CuSO₄·5H₂O"
    assert plain_equation("A ->[x] B") is None


@given(st.text("\\{}^_&$'~%abfrctleigh ()[]|\n", max_size=40))
def test_no_text_is_too_odd(tex: str) -> None:
    plain_tex(tex)


# What is read from the plain text is what the TeX says: both are computed.


class Term(NamedTuple):
    """A term: its TeX, its value, and its letters."""

    tex: str
    value: float
    letters: str


VALUES = {"a": 1.1, "b": 1.7, "x": 2.3, "β": 1.9}
COMMANDS = {"β": r"\beta "}
ATOMS = st.sampled_from([Term(COMMANDS.get(c, c), v, c) for c, v in VALUES.items()])


def _combine(terms: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    pairs = st.tuples(terms, terms)
    return st.one_of(
        pairs.map(lambda p: Term(rf"\left({p[0].tex}+{p[1].tex}\right)",
                                 p[0].value + p[1].value, p[0].letters + p[1].letters)),
        pairs.map(lambda p: Term(f"({p[0].tex}-{p[1].tex})",
                                 p[0].value - p[1].value, p[0].letters + p[1].letters)),
        pairs.map(lambda p: Term(f"{p[0].tex} {p[1].tex}",
                                 p[0].value * p[1].value, p[0].letters + p[1].letters)),
        pairs.map(lambda p: Term(rf"{p[0].tex} \times {p[1].tex}",
                                 p[0].value * p[1].value, p[0].letters + p[1].letters)),
        pairs.map(lambda p: Term(rf"\frac{{{p[0].tex}}}{{{p[1].tex}}}",
                                 p[0].value / (p[1].value or 1e9), p[0].letters + p[1].letters)),
        terms.map(lambda t: Term(rf"\sqrt{{{t.tex}}}", abs(t.value) ** 0.5, t.letters)),
        terms.map(lambda t: Term(f"({t.tex})^2", t.value**2, t.letters)),
        terms.map(lambda t: Term(f"x^{{{t.tex}}}", 2.3 ** min(t.value, 99), f"x{t.letters}")),
    )  # fmt: skip


TERMS = st.recursive(ATOMS, _combine, max_leaves=8)

SUPERSCRIPTS = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇˣᵝ]+")


class Evaluator:
    """Computes a plain text as a careful reader does: what is ambiguous is an error."""

    def __init__(self, text: str) -> None:
        powers = SUPERSCRIPTS.sub(
            lambda m: f"^({unicodedata.normalize('NFKC', m[0])})", text.replace(" ", "")
        )
        self._chars = powers.replace("−", "-").replace("⁽", "(")
        self._index = 0

    def evaluate(self) -> float:
        value = self._sum()
        assert not self._peek()
        return value

    def _peek(self) -> str:
        return self._chars[self._index : self._index + 1]

    def _take(self, chars: str) -> str:
        char = self._peek()
        if not char or char not in chars:
            return ""
        self._index += 1
        return char

    def _sum(self) -> float:
        value = self._product()
        while sign := self._take("+-"):
            value += self._product() * (1 if sign == "+" else -1)
        return value

    def _product(self) -> float:
        value, is_divided = self._factor(), False
        while char := self._peek():
            if self._take("/"):
                assert not is_divided
                value, is_divided = value / (self._factor() or 1e9), True
            elif self._take("×"):
                value *= self._factor()
                is_divided = False
            elif char in "+-)":
                break
            else:
                assert not is_divided, "a factor after a fraction"
                value *= self._factor()
        return value

    def _factor(self) -> float:
        is_root = self._peek() == "√"
        value = self._atom()
        assert not (is_root and self._peek() == "^"), "a power after a root"
        while self._take("^"):
            value **= min(self._atom(), 99)
        return value

    def _atom(self) -> float:
        if self._take("("):
            value = self._sum()
            assert self._take(")")
            return value
        if self._take("√"):
            return float(abs(self._atom()) ** 0.5)
        char = self._peek()
        self._index += 1
        return float(char) if char.isdigit() else VALUES[char]


@repeat(300)
@given(TERMS)
def test_the_plain_text_has_the_value_of_the_formula(term: Term) -> None:
    try:
        value = float(term.value)
        text = plain_tex(term.tex)
        assert text is not None
        result = Evaluator(text).evaluate()
    except (OverflowError, TypeError):  # a large or complex number
        return
    assert math.isclose(result, value, rel_tol=1e-6) or abs(value) > 1e200


def _letters(text: str) -> Iterator[str]:
    return (char for char in unicodedata.normalize("NFKC", text) if char.isalpha())


@repeat(100)
@given(TERMS)
def test_no_letter_is_lost(term: Term) -> None:
    assert Counter(_letters(plain_tex(term.tex) or "")) == Counter(term.letters)
