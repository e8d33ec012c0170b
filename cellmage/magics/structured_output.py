"""``--json`` and ``--schema``: an answer that is a value, asked for, shown and checked as one."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..errors import ProtocolError, UsageError
from ..options import Options
from ..stream.partial_json import NOTHING, PartialJSON, checked
from ..stream.response_stream import ResponseStream


class Shape:
    """What an answer's value must be.

    Args:
        schema: a pydantic model, a JSON schema, or None for any JSON.
        name: what it is called.
    """

    def __init__(self, schema: Any, name: str) -> None:
        self._schema = schema
        self._name = name

    def asked_with(self, options: Options) -> Options:
        """The options, with what asks the provider for this shape."""
        wanted: dict[str, Any] = {"type": "json_object"}
        if self._schema is not None:
            is_model = hasattr(self._schema, "model_json_schema")
            schema = self._schema.model_json_schema() if is_model else self._schema
            wanted = {
                "type": "json_schema",
                "json_schema": {"name": self._name, "schema": schema},
            }
        return replace(options, extra_body={**options.extra_body, "response_format": wanted})

    def reader(self) -> Callable[[str], Any]:
        """Gives the value so far, for the text that has come since; None before it begins."""
        reader = PartialJSON()

        def grow(text: str) -> Any:
            reader.feed(text)
            return None if reader.value is NOTHING else reader.value

        return grow

    def result(self, stream: ResponseStream) -> Any:
        """The value at the end; of a pydantic model, the validated object.

        Raises:
            ProtocolError: it is not JSON, was cut, or does not fit.
        """
        value = checked(stream.response)
        if not hasattr(self._schema, "model_validate"):
            return value
        try:
            return self._schema.model_validate(value)
        except ValueError as error:  # pydantic's own is one
            problem = " ".join(str(error).split())[:300]
        raise ProtocolError(f"the answer does not fit {self._name}: {problem}")


def shape_of(args: Namespace, names: Mapping[str, Any]) -> Shape | None:
    """The shape that the flags ask for; None for text.

    Raises:
        UsageError: there is no such schema.
    """
    if args.schema is None:
        return Shape(None, "value") if args.json else None
    schema = names.get(args.schema)
    if hasattr(schema, "model_json_schema") or isinstance(schema, dict):
        return Shape(schema, args.schema)
    raise UsageError(
        f"--schema {args.schema}: give the name of a pydantic model or of a JSON schema (a dict)"
    )
