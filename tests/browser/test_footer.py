"""What surrounds an answer in JupyterLab: sources, small lines, tables; nothing in them acts."""

from __future__ import annotations

import pytest

from cellmage.testing import Exchange, Reply, ScriptedServer, answer
from tests.browser.conftest import Lab
from tests.markdown.test_escape import TITLES

pytestmark = pytest.mark.browser

SEARCH = f"""import cellmage
titles = {TITLES!r}
def search(question):
    return [cellmage.Document(title, title, title) for title in titles]"""
LONG = "```python\ncall({})\n```".format(", ".join(f"parameter_{n}" for n in range(40)))


def reply(exchange: Exchange) -> Reply:
    prompt = exchange.messages[-1][1]
    if prompt == "compare":
        return Reply(answer(LONG if exchange.body["model"] == "a" else "Short."))
    if prompt == "value":
        return Reply(answer('{"trip": [{"city": "Rio $5", "days": [1, 2]}], "note": "$6"}'))
    return Reply(answer("The moon pulls [1]."))


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_sources_and_small_lines(lab: Lab, server: ScriptedServer, theme: str) -> None:
    server.play_with(reply)
    lab.open("%load_ext cellmage", SEARCH, "%%llm --rag search --watch moon --stats\nGo")
    lab.page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{theme: '{theme}'}})")
    lab.load()
    lab.run_next(1)
    lab.run_next(2)
    lab.until(lambda: lab.is_done(2))
    area = lab.area(2)
    details = area.locator("details")
    assert details.locator("li").nth(0).is_visible() is False
    details.locator("summary").click()
    assert details.locator("li").count() == len(TITLES)
    links = details.locator("a").evaluate_all("links => links.map(link => link.href)")
    assert links == ["https://x.y/"], "the address of one source"
    assert details.locator("img, script, pre, [onclick], mjx-container").count() == 0
    assert "$a$ and $b$" in details.inner_text()
    assert r"\(a\) \[b\] \begin{a}b\end{a} \ref{c}" in details.inner_text()
    last = area.locator("small").last
    assert last.inner_text().startswith("first seen: moon, at character 8")
    assert "tokens: not given" in last.inner_text()
    style = last.evaluate("n => [getComputedStyle(n).opacity, getComputedStyle(n).fontSize]")
    text_size = area.locator("p").first.evaluate("n => getComputedStyle(n).fontSize")
    assert style[0] == "0.7"
    assert float(style[1].removesuffix("px")) < float(text_size.removesuffix("px"))
    assert lab.outside == []


def test_columns_are_equal_and_values_are_tables(lab: Lab, server: ScriptedServer) -> None:
    server.play_with(reply)
    lab.open("%load_ext cellmage", "%%llm --compare a,b\ncompare", "%%llm --json\nvalue")
    lab.load()
    lab.run_next(1)
    lab.run_next(2)
    lab.until(lambda: lab.is_done(2))
    columns = lab.area(1).locator("div[style*='flex:1 1'], div[style*='flex: 1 1']")
    first, second = (columns.nth(index).bounding_box() for index in range(2))
    assert first is not None
    assert second is not None
    assert abs(first["width"] - second["width"]) < 1
    code = lab.area(1).locator("pre")
    assert code.evaluate("n => n.scrollWidth <= n.parentElement.clientWidth"), "the code wraps"
    assert lab.area(2).locator("table table").count() == 2
    assert lab.area(2).locator("table table table td").all_inner_texts() == ["1", "2"]
    assert lab.area(2).locator("mjx-container").count() == 0


def test_the_history_is_a_table(lab: Lab, server: ScriptedServer) -> None:
    server.play_with(reply)
    rows = "turns = %llm_history\nturns[0]['cell']"
    lab.open("%load_ext cellmage", "%%llm\nGo", "%llm_history", rows)
    lab.load()
    for cell in (1, 2, 3):
        lab.run_next(cell)
        lab.until(lambda cell=cell: lab.is_done(cell))  # type: ignore[misc]
    assert lab.area(2).locator("td").all_inner_texts()[:2] == ["1", "In[2]"]
    assert lab.outputs(2) == 1
    assert "In[2]" in lab.output(3)
