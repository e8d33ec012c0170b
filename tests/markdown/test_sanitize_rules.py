from __future__ import annotations

import pytest

from cellmage.markdown.inline import Scanner
from cellmage.markdown.sanitize_inline import InlineSanitizer
from cellmage.markdown.sanitize_rules import (
    CODE_RULES,
    REPLACEMENTS,
    REPLACEMENTS_NEAR_CODE,
    CodeRule,
    Edit,
    Replacement,
    apply_edits,
)


def sanitize_part(part: str) -> str:
    edits: dict[int, Edit] = {}
    for edit in InlineSanitizer({}, [], is_code_trusted=True).edits(part):
        edits.setdefault(edit.start, edit)
    return apply_edits(part, edits)


@pytest.mark.parametrize(
    "rule", [*REPLACEMENTS, *REPLACEMENTS_NEAR_CODE, *CODE_RULES], ids=lambda rule: rule.reason
)
def test_example(rule: Replacement | CodeRule) -> None:
    assert sanitize_part(rule.example) == rule.result
    assert sanitize_part(rule.result) == rule.result


@pytest.mark.parametrize("rule", CODE_RULES, ids=lambda rule: rule.reason)
def test_no_other_code_rule_applies_to_the_example(rule: CodeRule) -> None:
    spans = Scanner(rule.example, is_open=False).scan().spans
    code = next(span for span in spans if span.kind == "code")
    assert [other for other in CODE_RULES if other.applies(rule.example, code)] == [rule]
