"""The popup of JupyterLab after Tab on the line of a magic."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import Lab

pytestmark = pytest.mark.browser


def items(lab: Lab) -> list[str]:
    texts = lab.page.locator(".jp-Completer-item").all_inner_texts()
    return [text.replace("\u00a0", " ") for text in texts]


def press_tab(lab: Lab, text: str) -> None:
    """Type into the second cell, which is empty, and press Tab."""
    lab.page.locator(".jp-CodeCell .cm-content").nth(1).click()
    lab.page.keyboard.press("Control+a")
    lab.page.keyboard.press("Delete")
    lab.page.keyboard.type(text)
    lab.page.keyboard.press("Tab")


def test_tab_offers_flags_with_their_help_and_values(lab: Lab, tmp_path: Path) -> None:
    lab.open("%load_ext cellmage", "")
    lab.load()
    press_tab(lab, "%%llm --")
    lab.until(lambda: any("--model" in item for item in items(lab)))
    assert any("ask for json that fits" in item for item in items(lab))
    heights = lab.page.locator(".jp-Completer-typeExtended").evaluate_all(
        "all => all.map(each => [each.getBoundingClientRect().height, each.textContent])"
    )
    assert [pair for pair in heights if pair[0] > 40] == [], "no help is wrapped"
    assert not any("lambda" in item for item in items(lab)), "no keywords of Python"
    lab.page.screenshot(path=tmp_path / "flags.png")
    lab.page.keyboard.press("Enter")
    lab.until(lambda: "%%llm --api" in lab.page.locator(".cm-content").nth(1).inner_text())

    press_tab(lab, "%%llm --model gpt-6")
    lab.until(lambda: any("gpt-6-luna" in item for item in items(lab)))
    lab.page.screenshot(path=tmp_path / "models.png")
    lab.page.keyboard.press("Enter")
    lab.until(lambda: "--model gpt-6-luna" in lab.page.locator(".cm-content").nth(1).inner_text())
