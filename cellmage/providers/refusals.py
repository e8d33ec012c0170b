"""What the models of this process have refused so far, and what the user is told about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..events import Notice
from ..options import Options
from ..text import excerpt
from .refused_parameters import find_minimum, find_refused, leave_out, raise_limits, successor

_UNASKED = ("stream_options", "include", "prompt_cache_key", "reasoning.summary")
"""Parameters that no user asks for: nothing is said if a model refuses them."""


class Refusals:
    """What one model of one server has refused.

    Attributes:
        parameters: the other name of each refused parameter, or an empty text: see `leave_out`.
        minimums: the least limits of an answer: see `raise_limits`.

    Example:
        >>> refusals, payload = Refusals(), {"model": "m", "temperature": 0.2}
        >>> error = {"error": {"message": "Unsupported parameter: temperature"}}
        >>> refusals.learn(error, payload), refusals.apply(payload)
        ('temperature', {'model': 'm'})
    """

    def __init__(self) -> None:
        self.parameters: dict[str, str] = {}
        self.minimums: dict[str, int] = {}

    def apply(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return a payload that the model accepts, as far as it is known."""
        return raise_limits(leave_out(payload, self.parameters), self.minimums)

    def learn(self, body: Any, payload: Mapping[str, Any]) -> str:
        """Return the parameter that an error refuses, and remember it; empty if it refuses none.

        Args:
            body: the parsed body of the error.
            payload: the fields of the request.
        """
        if minimum := find_minimum(body, payload):
            self.minimums.update(minimum)
            return next(iter(minimum))
        name = find_refused(body, payload)
        if name:
            self.parameters[name] = successor(name, self.parameters)
        return name

    def notices(self, name: str, options: Options) -> list[Notice]:
        """Return a line for the user if what was refused is something that somebody asked for.

        Args:
            name: the parameter, as `learn` has returned it.
            options: the options of the request.
        """
        silent = {*_UNASKED, *(options.droppable or ()), *([] if options.effort else ["reasoning"])}
        if name in silent or self.parameters.get(name):
            return []
        model, least = excerpt(options.model or ""), self.minimums.get(name)
        text = f"{model} refuses {name}; it was asked without."
        if least is not None:
            text = f"{model} allows a limit of {least} tokens at least; that was sent."
        return [Notice("refused_parameter", text)]


_refusals: dict[tuple[str, str], Refusals] = {}


def refusals_of(url: str, model: str) -> Refusals:
    """Return what a model at an address has refused so far, which later requests change.

    Each API of a server has an address of its own, since its parameters have names of their own.
    """
    return _refusals.setdefault((url, model), Refusals())
