from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage import UsageError
from cellmage.prompt.interpolation import interpolate

VARIABLES = {"x": 1, "n": 5, "a": 1, "b": 2, "df": "a | b", "code": "pass"}

# A text outside of code and formulas: no character here begins one.
PLAIN = st.text(st.characters(exclude_characters="{}`$\\~\"'", exclude_categories=["Cs"]))
LINES = st.text(st.characters(exclude_characters="`~", exclude_categories=["Cs"]))


@given(st.text().filter(lambda text: "{{" not in text))
def test_any_text_without_two_braces_is_text(text: str) -> None:
    assert interpolate(text, {}).text == text


@given(st.text(), PLAIN, st.integers())
def test_any_value_is_put_in_once(value: str, around: str, number: int) -> None:
    prompt = f"{around}{{{{ x }}}}{around}{{{{y}}}}"
    result = interpolate(prompt, {"x": value, "y": number})
    assert result.text == f"{around}{value}{around}{number}"
    assert result.inserted == ("x", "y")


@given(PLAIN, LINES, LINES)
def test_any_code_is_text(before: str, code: str, more: str) -> None:
    body = f"{code}{{{{ x }}}}{more}"
    for fenced in (f"{before}\n```\n{body}\n```\n", f"{before}\n~~~ py\n{body}"):
        result = interpolate(f"{fenced}", VARIABLES)
        assert result.text == fenced
        assert result.unchanged == ("x",) or "{{" in code + more or code.endswith("{")


@pytest.mark.parametrize(
    "prompt",
    [
        "`{{ x }}`",
        "``a ` {{ x }}``",
        "`over\nlines {{ x }}`",
        "```\n{{ x }}\n```",
        "Read:\n```yaml\nkey: {{ x }}",
        "~~~\n{{ x }}\n~~~",
        "> ```\n> {{ x }}\n> ```",
        "1. ```\n   {{ x }}\n   ```",
        "````md\n```\n{{ x }}\n```\n````",
        "run: echo ${{ secrets.X }}",
        "${{ x }} and ${{",
        r"\frac{{a}}{{b}}",
        r"\frac{a}{{b}}",
        r"\sqrt[3]{{x}}",
        r"\\frac{{a}}{{b}}",
        r"\text{of {{ x }}}",
        r"$x^{{n}}$",
        "$$\n{{a}} \\over {{b}}\n$$",
        r"\( {{a}} \) and \[ {{b}} \]",
        "\\begin{align*}\n{{a}} &= {{b}}\n\\end{align*}",
        'print(f"{{x}}")',
        "rf'{{x}}' F'''\n{{x}}'''",
        r"\frac{{a}",
    ],
)
def test_code_and_formulas_are_text(prompt: str) -> None:
    assert interpolate(prompt, {}).text == prompt
    assert interpolate(prompt, VARIABLES).text == prompt


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("```\n{{ x }}\n```\n{{ x }}", "```\n{{ x }}\n```\n1"),
        ("it`s {{ x }}", "it`s 1"),
        ("a ` b\n\n{{ x }} ` c", "a ` b\n\n1 ` c"),
        (r"\` {{ x }} \`", r"\` 1 \`"),
        ("costs $5 and {{ x }} then $10", "costs $5 and 1 then $10"),
        ("echo $HOME {{ x }} $PATH", "echo $HOME 1 $PATH"),
        (r"\frac{{a}}{{b}} is {{ x }}", r"\frac{{a}}{{b}} is 1"),
        (r"\frac{{a} {{ x }}", r"\frac{{a} 1"),
        ("file_{{ n }}.csv, 10^{{ n }}", "file_5.csv, 10^5"),
        ("{{ '{{' }} x }}", "{{ x }}"),
        ("{{ {'k': {1: n}}['k'][1] }}", "5"),
        ("{{ f'{n}' }}", "5"),
        ("#{{ x }} %{{ x }}", "#1 %1"),
    ],
)
def test_outside_of_them_values_are_put_in(prompt: str, expected: str) -> None:
    assert interpolate(prompt, VARIABLES).text == expected


def test_everywhere() -> None:
    result = interpolate("```\n{{ code }}\n``` ${{ n }}", VARIABLES, everywhere=True)
    assert result.text == "```\npass\n``` $5"
    assert result.describe() == "Inserted: code, n."


@pytest.mark.parametrize(
    ("prompt", "line"),
    [
        ("no braces", ""),
        ("{{ n }}, {{ df }}, {{ n }}", "Inserted: n, df."),
        ("{{ '{{' }} {{ '}}' }}", ""),
        ("{{ 6*7 }}, {{ 1+1 }}, {{ len('abc') }}", "Inserted: 6*7, 1+1, len('abc')."),
        ("{{ 'text' }}", "Inserted: 'text'."),
        (
            " ".join(f"{{{{ {number} }}}}" for number in range(100)),
            "Inserted: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 90 more.",
        ),
        ("`{{ unknown }}` `{{ x y }}`", ""),
        ("`{{ n }}`", "Sent as text, as in code and formulas: {{ n }}; `everywhere` inserts it."),
        (
            "{{ 'n' + " + "'long' + " * 20 + "str(n) }}",
            "Inserted: 'n' + 'long' + 'long' + 'long' + 'long'….",
        ),
    ],
)
def test_what_was_put_in_is_named(prompt: str, line: str) -> None:
    assert interpolate(prompt, VARIABLES).describe() == line


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("{{ x.y }}", r"\{\{ x.y \}\} failed: AttributeError"),
        ("{{ 1 / 0 }}", "failed: ZeroDivisionError: division by zero"),
        ("{{ import os }}", "not followed by a Python expression"),
        ("{{ x", "not followed by"),
        ("{{\n}}", "not followed by"),
        ("Explain {{ user.name }} in Jinja", "NameError: name 'user' is not defined"),
        ("{{ name | upper }}", "NameError"),
        ("{{ .Values.image }}", "not followed by"),
        ("{{#if a}}", "not followed by"),
        ("{{ input }}", "it is a builtin_function_or_method, and not a value"),
        ("{{ str }}", "it is a type"),
        ("{{ " + "y" * 5000 + " }}", "y… }} failed: NameError"),
    ],
)
def test_errors_name_three_cures(prompt: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        interpolate(prompt, {"x": 1})
    text = str(caught.value)
    assert "`backticks` or a code fence" in text
    assert "{{ '{{' }}" in text
    assert "`interpolate`" in text
    assert caught.value.option == "interpolate"
    assert len(text) < 500


def test_an_expression_that_never_ends() -> None:
    """It is refused at once: each of the ends was once tried, with all that stands before it."""
    with pytest.raises(UsageError, match="is not followed by"):
        interpolate("{{ [" + "}}" * 100_000, {})
