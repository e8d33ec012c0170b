"""Plain text as markdown, judged by marked, the parser of JupyterLab."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest

from cellmage.markdown.escape import escape_markdown
from tests.browser.marked import Marked, start_marked
from tests.markdown.test_escape import CONTEXTS, TITLES

pytestmark = pytest.mark.browser

TAGS = re.compile("<!--raw-->|</?(?:span|small|details|summary|table|tr|td)>")
CONTROL_CHARS = re.compile("[\0-\x1f\u2028-\u202e]")


@pytest.fixture(scope="session")
def parser() -> Iterator[Marked]:
    with start_marked() as marked:
        yield marked


@pytest.mark.parametrize("context", CONTEXTS)
def test_titles_are_text(parser: Marked, context: str) -> None:
    """Else the page has another tag, an address, a formula, or one of JupyterLab's own marks."""
    texts = [" ".join(CONTROL_CHARS.sub(" ", title).split()) for title in TITLES]
    reference, *pages = (
        TAGS.sub("", page)
        for page in parser.render_html(
            [context.replace("{}", text) for text in ("title", *map(escape_markdown, texts))]
        )
    )
    for text, page in zip(texts, pages, strict=True):
        assert html.unescape(page) == html.unescape(reference).replace("title", text)
        assert not re.search(r"[$\\]", page), "entities: formulas are looked for in the source"
