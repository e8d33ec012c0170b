"""Panels are between the texts of an answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cellmage.display import LiveMarkdown
from cellmage.display.pacer import MAX_CHARS_PER_SECOND
from cellmage.display.panels import Panel


def test_in_their_place() -> None:
    live = LiveMarkdown(now=0.0)
    live.feed("Before **it")
    live.set_panels([Panel("f()")])
    (frame,) = live.frames_due(1.0)
    head = "<details><summary><code>f()"
    assert frame.markdown == f"Before **it\n\n{head} …</code></summary></details>\n\n▌"
    live.set_panels([Panel("f()", "1")])
    live.feed("After.")
    (last,) = live.final_frames()
    assert last.markdown == (
        f"Before **it\n\n{head} → 1</code></summary><pre>1</pre></details>\n\nAfter."
    )
    assert last.text == live.complete_frame().text == "Before **itAfter."
    assert last.panels == [Panel("f()", "1")]


def test_a_new_one_is_urgent() -> None:
    """Its tool may keep the consumer's thread busy for long."""
    live = LiveMarkdown(now=0.0)
    live.feed("text")
    assert live.frames_due(1.0)
    live.set_panels([Panel("f()")])
    assert live.frames_due(1.001)
    live.set_panels([Panel("f()", "done")])
    assert live.frames_due(1.002) == []
    live.set_panels([Panel("f()", "done"), Panel("g()")])
    assert live.frames_due(1.2)


def test_a_new_one_after_a_text_is_urgent() -> None:
    live = LiveMarkdown(now=0.0)
    live.set_panels([Panel("f()", "done")])
    assert live.frames_due(1.0)
    live.feed("text")
    live.set_panels([Panel("g()")])
    assert live.frames_due(1.001)


def test_a_fence_that_is_open_ends_before_them() -> None:
    live = LiveMarkdown(now=0.0)
    live.feed("```py\nprint(1)")
    live.set_panels([Panel("f()", "1")])
    assert "print(1)\n```\n\n<details>" in live.final_frames()[0].markdown


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), max_size=5))
def test_the_text_is_complete(steps: list[tuple[str, str, str]]) -> None:
    live, now = LiveMarkdown(now=0.0), 0.0
    for text, title, body in steps:
        live.feed(text)
        live.set_panels([Panel(title)])
        now += 0.06
        live.frames_due(now)
        live.set_panels([Panel(title, body)])
    assert live.complete_frame().text == "".join(text for text, *_ in steps)


def test_many_are_not_one_part() -> None:
    """An agent with many steps: what is settled is not painted again, and no part has it all."""
    live, now, sizes = LiveMarkdown(now=0.0), 0.0, []
    for number in range(300):
        live.feed(f"Step {number}.\n\n")
        live.set_panels([Panel(f"f({number})", "x" * 3_000)])
        now += 0.05
        sizes.append(sum(len(frame.markdown) for frame in live.frames_due(now)))
    total = len(live.complete_frame().markdown)
    assert sum(sizes) < MAX_CHARS_PER_SECOND * now + 2 * max(sizes)
    assert max(sizes) < total / 2
    assert len({frame.part for frame in live.final_frames()}) < 20
