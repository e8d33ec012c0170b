"""Live expressions in an answer, and which of them are evaluated."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellmage.proof.expression_check import problem_of
from cellmage.proof.expressions import find_live


class Account:
    """A class of the notebook, whose methods may do anything."""

    __module__ = "__main__"
    balance = 3

    def close(self) -> int:
        return 1


def helper(value: Any) -> Any:
    return value


VARIABLES: Mapping[str, Any] = {
    "df": pd.DataFrame({"a": [1, 2, 3], "b": list("xyz")}),
    "items": {"tea": 3},
    "np": np,
    "pd": pd,
    "os": os,
    "account": Account(),
    "Account": Account,
    "helper": helper,
    "say": print,
}

COMPUTES = [
    "len(df)",
    "df.a.sum()",
    "df['a'].mean().round(2)",
    "df.groupby('b').a.sum()['x']",
    "df[df.a > 1].shape[0]",
    "df.loc[df.a.idxmax(), 'b']",
    "df.sort_values('a').iloc[0].b",
    "df.a.value_counts().index[0]",
    "df.a.rolling(2).mean().iloc[-1]",
    "df.agg('mean', numeric_only=True)['a']",
    "sum(x for x in df.a if x > 1)",
    "{name: n for name, n in items.items()}['tea']",
    "f'{df.a.mean():.2f}'",
    "'{:.1f}'.format(df.a.mean())",
    "np.sqrt(16) if items else 0",
    "pd.to_numeric(df.a).sum()",
    "account.balance",
    "not -1 < items['tea'] <= 3 and 1 or 0",
]
ACTS = [
    "open('a', 'w')",
    "print(1)",
    "say(1)",
    "helper(1)",
    "max([1], key=helper)",
    "df.a.agg(helper)",
    "df.a.apply(str)",
    "account.close()",
    "Account().close()",
    "os.getcwd()",
    "np.save('a', 1)",
    "np.random.seed(1)",
    "pd.read_csv('a.csv')",
    "df.to_csv('a.csv')",
    "df.a.tofile('a')",
    "df.query('a > 1')",
    "df.sort_values('a', inplace=True)",
    "df.a.sum(out=df.a)",
    "().__class__",
    "_ih",
    "__import__('os')",
    "get_ipython()",
    "(lambda: 1)()",
    "[n := 1]",
    "await df",
    "missing + 1",
    "1 +",
]


@pytest.mark.parametrize("source", COMPUTES)
def test_what_computes_is_evaluated(source: str) -> None:
    assert problem_of(source, VARIABLES) == ""
    assert eval(source, dict(VARIABLES)) is not None


@pytest.mark.parametrize("source", ACTS)
def test_what_acts_is_refused_with_a_reason(source: str) -> None:
    assert problem_of(source, VARIABLES)


def test_a_name_of_python_that_the_user_has_taken_is_refused() -> None:
    assert problem_of("sum([1])", {"sum": helper}) == "sum is not called"


def test_expressions_are_found_with_their_places() -> None:
    text = "So {{= len(df) }}, {{= {'a': {1: 2}}['a'] }} and `{{= 3 }}`."
    assert [(text[live.start : live.end], live.source) for live in find_live(text)] == [
        ("{{= len(df) }}", "len(df)"),
        ("{{= {'a': {1: 2}}['a'] }}", "{'a': {1: 2}}['a']"),
        ("`{{= 3 }}`", "3"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = '{{= 1 }}'\n```",
        "`x = {{= 1 }}`",
        "``a ` {{= 1 }}``",
        "{{ 1 }}",
        "{{= 1 +",
        "{{= not closed",
    ],
)
def test_code_and_other_braces_have_none(text: str) -> None:
    assert find_live(text) == []


@given(st.text(alphabet="{}= `\n~1a'\"", max_size=60))
def test_any_text_has_expressions_in_order(text: str) -> None:
    end = 0
    for live in find_live(text):
        assert end <= live.start < live.end <= len(text)
        assert live.source in text[live.start : live.end]
        end = live.end
