"""Notebooks that change their names in JupyterLab: each has the turns that its own cells asked."""

from __future__ import annotations

import pytest

from cellmage.testing import Reply, ScriptedServer, answer
from tests.browser.conftest import Lab

pytestmark = pytest.mark.browser


def shut_down(lab: Lab) -> None:
    """End the kernel, as a user does who closes the notebook for today."""
    lab.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")


def test_a_new_notebook_gets_no_turns_of_a_renamed_one(lab: Lab, server: ScriptedServer) -> None:
    server.play_with(lambda exchange: Reply(answer("The answer.")))
    old_name = lab.name
    lab.open("%load_ext cellmage", "%%llm\nMy salary is 50", "%%llm\nMy age is 40")
    lab.load()
    lab.run_next()
    lab.run_next()
    lab.until(lambda: lab.is_done(2) and "The answer." in lab.output(2))
    lab.save()
    lab.page.evaluate("jupyterapp.shell.currentWidget.context.rename('report.ipynb')")
    lab.until((lab.folder / "report.ipynb").exists)
    lab.run_next(2)
    lab.until(lambda: "The answer." in lab.output(2))
    shut_down(lab)

    load = "%config LLMMagics.resume = 'always'\n%load_ext cellmage"
    lab.open(load, "%%llm\nWho am I?", ids="new")
    assert lab.name == old_name
    lab.load()
    assert "turn" not in (lab.area(0).text_content() or "")
    lab.run_next()
    lab.until(lambda: "The answer." in lab.output(1))
    assert [text for _, text in server.last.messages] == ["Who am I?"]
    shut_down(lab)

    lab.name = "report.ipynb"
    lab.reopen()
    lab.load()
    lab.until(lambda: "2 turns" in lab.output(0))
