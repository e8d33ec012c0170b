"""The two widgets of a chat panel, whose looks are the JavaScript and the stylesheet beside."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from anywidget import AnyWidget
from traitlets import Bool, Dict, List, Unicode


def _read(*names: str) -> str:
    folder = files(__package__)
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


class LogView(AnyWidget):
    """The conversation: it receives the messages of `cellmage.widgets.chat_entries.ChatLog`."""

    _esm = _read("clipboard.js", "chat_log.js")
    _css = _read("chat_panel.css")


class PromptView(AnyWidget):
    """The box for the prompt, with the menus and buttons.

    Attributes:
        is_busy: whether an answer arrives.
        draft: the text in the box, as far as Python has put it there.
        prompts: earlier prompts, which the Up key recalls.
        choices: what the menus offer, by the name of the setting.
        settings: what the user has chosen.
        line: what the user must know, such as an error.
        title: what is asked now: the name of the conversation, or that a question is edited.
        is_editing: whether a question or an answer is edited.
    """

    _esm = _read("chat_prompt.js")
    _css = _read("chat_panel.css")
    is_busy = Bool(False).tag(sync=True)
    draft = Unicode("").tag(sync=True)
    prompts: Any = List(Unicode()).tag(sync=True)
    choices: Any = Dict().tag(sync=True)
    settings: Any = Dict().tag(sync=True)
    line = Unicode("").tag(sync=True)
    title = Unicode("").tag(sync=True)
    is_editing = Bool(False).tag(sync=True)
