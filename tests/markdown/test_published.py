"""Frames as they are published: healed, then written for the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellmage.markdown.heal import heal
from cellmage.markdown.sanitize import sanitize
from tests.rendered import CURSOR, Frames, block_types, visible_text
from tests.repetitions import FACTOR, sample

ANSWERS = sorted((Path(__file__).parents[1] / "data/answers").glob("*.md"))
SHORT = sample([path for path in ANSWERS if path.stat().st_size < 1_600], 4)


def publish(text: str, cursor: str) -> str:
    return sanitize(heal(text, cursor))


@pytest.mark.slow
@pytest.mark.parametrize("path", SHORT, ids=lambda path: path.stem)
def test_no_frame_of_an_answer_is_wrong(path: Path) -> None:
    frames = Frames(path.read_text(), publish, publish=sanitize)
    assert frames.wrong == 0
    assert frames.lag(0.5) <= 13


@pytest.mark.parametrize("name", ["longtable", "essay9", "texmath", "gptmath", "codeheavy"])
def test_no_frame_of_a_long_answer_is_wrong(name: str) -> None:
    """A frame at every 401st character: each costs time that grows with the text."""
    text = next(path for path in ANSWERS if path.stem == name).read_text()
    final = visible_text(sanitize(text)).replace(" ", "")
    for end in range(1, len(text), 401 // FACTOR):
        frame = visible_text(publish(text[:end], CURSOR)).replace(" ", "")
        assert final.startswith(frame)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**注意：**当", "<strong>注意：</strong>当"),
        ("それは**「強調」**です。", "それは<strong>「強調」</strong>です。"),
        ("**重要（注意）。**次の文", "<strong>重要（注意）。</strong>次の文"),
        ("어텐션**(attention)**은", "어텐션<strong>(attention)</strong>은"),
        ("a **b** c", "a **b** c"),
    ],
)
def test_emphasis_beside_wide_characters(text: str, shown: str) -> None:
    assert sanitize(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("H<sub>2</sub>O<br>x", "H<sub>2</sub>O<br>x"),
        ("a <b onclick=x>b</b>", "a &lt;b onclick=x>b&lt;/b>"),
        ("a <b>b", "a &lt;b>b"),
        ("**a <b>b** c</b>", "**a &lt;b>b** c&lt;/b>"),
        ("a <!-- note --> b", "a  b"),
        ("a\n\n<!-- two\n\nlines -->\n\nb", "a\n\nb"),
        ("a <!-- no end", "a &lt;!-- no end"),
        ("<p>One</p>\n<hr>\n<p>Two</p>", "One\n\n___\n\nTwo"),
        ("<div><b>x</b></div>", "&lt;div><b>x</b>&lt;/div>"),
        ("<details open><summary>S *a*</summary>\nx</details>",
         "<details>\n<summary>S <em>a</em></summary>\n\nx\n\n</details>"),
        ("- <details>\n  x\n  </details>", "- <details>\n\n  x\n\n  </details>"),
        ("<details>\nx", "&lt;details>\nx"),
        ("[<summary>x</summary>](https://x.y)", "[&lt;summary>x&lt;/summary>](https://x.y)"),
        ("*a <p>b</p>*", "<em>a &lt;p>b&lt;/p></em>"),
    ],
)  # fmt: skip
def test_tags(text: str, shown: str) -> None:
    assert sanitize(text) == shown


def test_an_open_tag_is_closed_while_it_arrives() -> None:
    assert publish("H<sub>2", CURSOR) == f"H<sub>2{CURSOR}</sub>"
    assert publish("H<su", CURSOR) == f"H{CURSOR}"
    text = "<details>\n<summary>S</summary>\n\n```py\nx = 1"
    assert publish(text, CURSOR).endswith(f"x = 1{CURSOR}\n```\n\n</details>")


def test_fences_in_a_markdown_fence() -> None:
    text = "```markdown\n# T\n\n```bash\nls\n```\n\n```\n\n**After.**"
    assert block_types(sanitize(text)) == ["fence", "paragraph"]
    assert "**After.**" in sanitize(text)
    assert publish(text[:-14], CURSOR).count("````") == 2


def test_a_diagram_is_code_until_its_fence_is_closed() -> None:
    text = "a\n\n```mermaid\ngraph TD\n  A --> B\n```\n"
    for end in range(text.index("graph"), len(text) - 1):
        assert "mermaid" not in publish(text[:end], CURSOR)
    assert "```mermaid" in publish(f"{text}b", CURSOR)


@pytest.mark.parametrize(
    ("line", "is_drawn"),
    [("A[One] --> B{ok?}", True), ("A <--> B", True), ("A[x<br/>y] -.-> B", True),
     ("class A { <<interface>> }", True), ("A <|-- B", True), ("%% a comment", True),
     ('A["<img src=x onerror=y>"]', False), ('click A "https://x.y"', False),
     ("%%{init: {}}%%", False), ("A --> B\n  click A call f()", False), ("A[&lt;img&gt;]", False),
     ('A@{ img: "x" }', False), ("A[![a](x)]", False), ("A[<script>]", False)],
)  # fmt: skip
def test_a_diagram_is_drawn_from_a_plain_subset(line: str, is_drawn: bool) -> None:
    published = sanitize(f"```mermaid\ngraph TD\n  {line}\n```")
    assert ("mermaid" in published) == is_drawn
    assert line in published


def test_a_table_has_no_cursor() -> None:
    text = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | four"
    for end in range(20, len(text) + 1):
        assert CURSOR not in publish(text[:end], CURSOR)


def test_the_head_of_a_table_without_outer_bars_is_no_text() -> None:
    text = "a | b\n--|--\n1 | 2\n"
    frames = Frames(text, publish, publish=sanitize)
    assert frames.wrong == 0


@pytest.mark.parametrize(
    "text",
    [
        "The norm |x| is small.\n\nNext |y| one\nmore |z|\n",
        "Text:\n\n- ls | wc\n- more\n\nText: $|x|$\nis small.\n",
        "Text:\ncat x | grep y\nand so on\n",
        "Text:\na | b\n--|--\n1 | 2\n",
    ],
)
def test_text_with_a_pipe_is_not_taken_back(text: str) -> None:
    frames = Frames(text, publish, publish=sanitize)
    assert frames.wrong == frames.shrunk == 0


def test_a_pipe_in_a_formula_holds_nothing_back() -> None:
    assert publish("The norm $|x|$ is", CURSOR) == f"The norm $|x|$ is{CURSOR}"


@pytest.mark.parametrize(
    "text",
    [
        "So\n\n\\[\nx = ",
        "So \\(x = ",
        "So\n\n$$K = [C]^",
        "So\n\n$$K = [C]",
        "- \\( x",
        "1. $x",
        "$5",
    ],
)
def test_the_cursor_stays_while_a_formula_is_held(text: str) -> None:
    assert publish(text, CURSOR).rstrip().endswith(CURSOR)


def test_blanks_do_not_end_code_in_a_list() -> None:
    text = "1. Run\n\n   ```bash\n   ls"
    for blanks in range(5):
        frame = publish(f"{text}\n{' ' * blanks}", CURSOR)
        assert frame.startswith(f"{text}{CURSOR}")


@pytest.mark.parametrize("text", ["<details>", "<details>\n<summ", "<details open><summary><b>"])
def test_details_wait_for_their_summary(text: str) -> None:
    """Without one the browser shows a word of its own."""
    assert "<details>" not in publish(f"So\n\n{text}", CURSOR)
    assert "<details>" in publish("<details>\n\nx", CURSOR)


def test_citations_keep_their_brackets() -> None:
    text = "This is known [1][2] and [3]."
    assert sanitize(text) == text
    assert Frames(text, publish, publish=sanitize).wrong == 0
