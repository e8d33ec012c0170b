"""The hidden widget behind the bars of a page, whose looks are the JavaScript beside."""

from __future__ import annotations

from importlib.resources import files

from anywidget import AnyWidget


def _read(*names: str) -> str:
    folder = files(__package__)
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


class PageLink(AnyWidget):
    """Connects a page with the kernel; it is never displayed, so no output has it."""

    _esm = _read(
        "clipboard.js", "notebook_page.js", "bar_elements.js", "follow.js", "answer_bar.js"
    )
    _css = _read("answer_bar.css")
