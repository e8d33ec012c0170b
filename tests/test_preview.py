"""Answers and conversations as values: one line in Python, harmless markdown in a notebook."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cellmage import Conversation, Options, Response, Turn
from cellmage.preview import turns_markdown
from cellmage.testing import ScriptedServer, chunk, finish
from tests.kernel.client import Kernel

EVIL = "<img src=x onerror=alert(1)> [a](javascript:alert(1)) ![b](https://evil.example/b.png)"


def test_one_line() -> None:
    response = Response("One\ntwo " * 1000, model="m", incomplete_reason="length")
    assert repr(response).startswith("<Response 'One two One two")
    assert repr(response).endswith("…': 8000 characters, m, length>")
    assert len(repr(response)) < 120
    assert repr(Response("")) == "<Response '': 0 characters, complete>"
    chat = Conversation(Options(model="offline/echo"), turns=[Turn("Hi", response)] * 2)
    assert repr(chat) == "<Conversation: 2 turns, offline/echo>"


def check_harmless(markdown: str) -> None:
    html = MarkdownIt("commonmark").render(markdown)
    assert "<img" not in html
    assert "javascript:" not in html.replace("[a](javascript:", "")
    assert "<script" not in html


def test_nothing_acts() -> None:
    chat = Conversation(
        turns=[Turn(EVIL, Response(f"```\nopen\n{EVIL}")), Turn(EVIL, Response(EVIL))]
    )
    check_harmless(chat._repr_markdown_())
    check_harmless(Response(EVIL)._repr_markdown_())
    check_harmless(Response(f"**cut {EVIL}", incomplete_reason="length")._repr_markdown_())


@given(st.lists(st.text("`~\n>< -*ab") | st.sampled_from(["```\n", "<script>", EVIL]), max_size=6))
def test_no_turn_changes_what_another_one_is(texts: list[str]) -> None:
    check_harmless(turns_markdown([(text, text) for text in texts]))


def test_an_open_fence_ends_with_its_answer() -> None:
    markdown = turns_markdown([("One", "```\ncode"), ("Two", "**bold**")])
    assert "<strong>bold</strong>" in MarkdownIt("commonmark").render(markdown)


def test_a_long_conversation_is_shown_in_part() -> None:
    markdown = turns_markdown([(f"Q{number}", "a") for number in range(50)])
    assert markdown.startswith("*30 older turns*")
    assert "> Q49" in markdown
    assert "> Q29" not in markdown


def test_on_a_page(kernel: Kernel, server: ScriptedServer) -> None:
    server.play(chunk("**Hello** <script>"), finish())
    kernel.run("%%llm\nHi")
    run = kernel.run("_llm")
    (result,) = run.of_type("execute_result")
    data = result.content["data"]
    assert data["text/markdown"] == "**Hello** &lt;script>"
    assert data["text/plain"].startswith("<Response '**Hello** <script>': 18 characters")
