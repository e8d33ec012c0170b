"""axe-core, which finds what people with other senses or devices cannot use."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

from .marked.node import install

# The body of JupyterLab has no height and hides what overflows: axe takes all in it for hidden.
_RUN = """async (selector) => {
  document.body.style.minHeight = '100vh';
  const { violations } = await axe.run(selector);
  return violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html.slice(0, 300))]);
}"""


def find_violations(page: Page, selector: str) -> list[Any]:
    """Return the rules that a part of a page breaks, each with the elements that do."""
    if not page.evaluate("'axe' in window"):
        # As text: a page with a content security policy may not load a script.
        page.evaluate((install() / "node_modules/axe-core/axe.min.js").read_text())
    violations: list[Any] = page.evaluate(_RUN, selector)
    return violations
