"""Every place of the page into which foreign text goes, with text that would act there.

While it arrives, at its end, in the saved notebook, in an untrusted copy of it, and in the HTML
that nbconvert makes of it.
"""

from __future__ import annotations

import json
import re

import pytest

from cellmage.testing import DONE, Exchange, Reply, ScriptedServer, answer, chunk, finish, tool_call
from tests.browser.conftest import Lab
from tests.browser.test_marked import LAB_ONLY
from tests.browser.test_page import (
    ACTIVE,
    HOSTILE,
    check_nothing_is_active,
    convert_to_html,
    copy_untrusted,
)
from tests.markdown.test_escape import BYPASSES

pytestmark = pytest.mark.browser

ALL = [*(case["markdown"] for case in HOSTILE["cases"] if case["category"] != "dos"), *LAB_ONLY]
PAYLOADS = [*ALL, *(case["source"] for case in BYPASSES)][::6]

SETUP = f"""%load_ext cellmage
import cellmage
payloads = {PAYLOADS!r}
def search(question):
    text = payloads[int(question.split()[1])]
    return [cellmage.Document(text, text, text)]
def echo(**texts: str) -> str:
    return str(texts)"""

PLACES = {
    "answer": "%llm --no-history --rag search case {{ n }}",
    "tool": "%llm --no-history --tool echo --auto-approve case {{ n }}",
    "table": "%llm --no-history --json case {{ n }}",
    "refusal": "%llm --no-history --on-error show case {{ n }}",
    "columns": "%llm --no-history --compare a,b case {{ n }}",
}
"""A magic for each kind of reply."""

SHOWN = """for text in [*payloads, "cp <src> <dst>"]:
    %llm {{ text }}
history = %llm_history
models = %llm_models
display(_llm, history, models)
%llm_history --export asked.ipynb"""

WATCH = """active => {
    window.__acted = [];
    const isActive = node => node.matches(active)
        || [...node.attributes].some(({name}) => /^on/i.test(name))
        || /^(?!https?:|mailto:)[a-z]+:/i.test(node.getAttribute('href') ?? '');
    const check = node => {
        if (!node.closest?.('.jp-RenderedMarkdown, .jp-RenderedHTML')) return;
        const items = [node, ...node.querySelectorAll('*')];
        for (const item of items.filter(item => !item.closest('mjx-container')))
            if (isActive(item)) window.__acted.push(item.outerHTML);
    };
    new MutationObserver(all => all.forEach(change => change.addedNodes.forEach(check)))
        .observe(document.body, {childList: true, subtree: true});
}"""
"""Records what acts in an output, at any time."""


def reply(exchange: Exchange) -> Reply:
    """Return a reply that has the payload in each of its fields."""
    if exchange.path.endswith("/models"):
        models = {"data": [{"id": text, "object": "model", "owned_by": text} for text in PAYLOADS]}
        return Reply([json.dumps(models).encode()], content_type="application/json")
    prompt = exchange.messages[-1][1]
    case = re.match(r"case (\d+)", prompt)
    if case is None:
        return Reply(answer("cp <src> <dst>" if exchange.body.get("tools") else prompt))
    text = PAYLOADS[int(case[1])]
    if exchange.body.get("tools"):
        call = tool_call("echo", json.dumps({"texts": text, text: text}))
        return Reply([chunk(text), call, finish("tool_calls"), DONE])
    if exchange.body.get("response_format"):
        return Reply(answer(json.dumps([{text: text, "list": [{text: [text]}]}]), 9))
    if exchange.body["model"] == "b":
        return Reply([json.dumps({"error": {"message": text, "code": text}}).encode()], status=400)
    steps = [chunk(reasoning_content=text), *answer(text, 7)[:-2], chunk(finish_reason=text), DONE]
    return Reply(steps)


def test_no_place_is_active(lab: Lab, server: ScriptedServer) -> None:
    server.play_with(reply)
    loops = [f"for n in range(len(payloads)):\n    {magic}" for magic in PLACES.values()]
    lab.open(SETUP, *loops, SHOWN)
    lab.page.evaluate(WATCH, ACTIVE)
    lab.load()
    for _ in (*loops, SHOWN):
        lab.run_next()
    lab.until(lambda: lab.is_done(len(loops) + 1), 120)
    assert lab.page.evaluate("window.__acted") == []
    check(lab)
    errors = [output.get("evalue") for output in lab.save(len(loops) + 1)]
    assert not any(errors)
    lab.reopen()
    check(lab)
    lab.reopen(copy_untrusted(lab))
    check(lab)
    lab.page.goto(f"{lab.url}/files/{convert_to_html(lab)}")
    check(lab)
    lab.reopen("asked.ipynb")
    check(lab, 1)


def check(lab: Lab, places: int = len(PLACES)) -> None:
    check_nothing_is_active(lab, ".jp-RenderedMarkdown", places * len(PAYLOADS))
    # The page that nbconvert makes loads its own scripts.
    assert [url for url in lab.outside if "cdnjs.cloudflare.com" not in url] == []
