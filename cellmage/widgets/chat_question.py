"""A question as the page sends it: the text, what is attached, and the menus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import UsageError


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its settings; None leaves a setting as it is in the notebook.

    Args:
        prompt: the text, as it was typed.
        attach: the names of variables and files.
        settings: the chosen model, persona, temperature and effort, by name.
        is_sent: True if the text is that of a request, in which values are inserted already.
    """

    prompt: str
    attach: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_sent: bool = False

    @classmethod
    def read(cls, content: Mapping[str, Any], settings: Mapping[str, Any]) -> Question:
        """Return the question of a message.

        Raises:
            UsageError: it has no text.

        Example:
            >>> Question.read({"prompt": "Hi", "attach": ["df"]}, {"model": ""}).attach
            ('df',)
        """
        prompt = str(content.get("prompt", ""))
        if not prompt.strip():
            raise UsageError("the prompt is empty: type it into the box")
        attach = tuple(map(str, content.get("attach") or ()))
        return cls(prompt, attach).with_settings(settings)

    def with_settings(self, settings: Mapping[str, Any]) -> Question:
        """Return the same question with the settings that have a value.

        Example:
            >>> Question("Hi").with_settings({"model": "", "temperature": "0.5"}).settings
            {'temperature': 0.5}
        """
        values = {
            name: read(settings[name])
            for name, read in _READERS.items()
            if _is_set(settings.get(name))
        }
        return replace(self, settings=values)


def _is_set(value: Any) -> bool:
    return value is not None and str(value).strip() != ""


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError("the temperature is a number from 0 to 2") from None


_READERS: Mapping[str, Any] = {
    "model": lambda value: str(value).strip(),
    "persona": str,
    "temperature": _number,
    "effort": str,
}
