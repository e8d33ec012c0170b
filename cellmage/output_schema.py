"""The schema of an answer that is a value: what the model is asked for, and what is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from .errors import OutputValidationError, UsageError
from .lenient_json import read_json
from .messages import Response
from .options import Options
from .stream.partial_json import NOTHING, PartialJSON, read_response
from .text import truncate

_MAX_PROBLEM_CHARS = 300
"""Characters of the message about what does not fit."""


class OutputSchema:
    """The schema of an answer's value.

    Args:
        schema: a pydantic model, a JSON schema, or None for any JSON.
        name: the name of the schema, for the provider and for messages.
    """

    def __init__(self, schema: Any, name: str) -> None:
        self._schema = schema
        self._name = name

    def apply_to(self, options: Options) -> Options:
        """Return the options, with the ``response_format`` that asks for this schema."""
        response_format: dict[str, Any] = {"type": "json_object"}
        if self._schema is not None:
            response_format = {
                "type": "json_schema",
                "json_schema": {"name": self._name, "schema": self.json_schema()},
            }
        extra_body = {**options.extra_body, "response_format": response_format}
        return replace(options, extra_body=extra_body)

    def json_schema(self) -> Mapping[str, Any]:
        """Return the schema as JSON Schema; empty for any JSON."""
        is_model = hasattr(self._schema, "model_json_schema")
        schema: Mapping[str, Any] = (
            self._schema.model_json_schema() if is_model else self._schema or {}
        )
        return schema

    def partial_parser(self) -> Callable[[str], Any]:
        """Return a parser of a value that arrives in pieces.

        Called with the text that has arrived since the last call, it returns the value so far; None
        before the value begins. Called with an empty text, it returns the value of the complete
        text, which may have been read leniently; None if there is none.
        """
        parser = PartialJSON()
        texts: list[str] = []

        def parse(text: str) -> Any:
            texts.append(text)
            parser.feed(text)
            if not text:
                with suppress(ValueError):
                    return read_json("".join(texts)).value
            return None if parser.value is NOTHING else parser.value

        return parse

    def read(self, response: Response) -> Any:
        """Return the value of a complete answer; for a pydantic model, an instance of it.

        Raises:
            OutputValidationError: it is not JSON, was cut, or does not fit the schema.
        """
        return self._validate(read_response(response).value)

    def problem(self, text: str) -> str:
        """Return what is wrong with the text of an answer; an empty text if nothing is."""
        try:
            self._validate(read_json(text).value)
        except ValueError as error:
            return f"it is not the JSON that was asked for: {error}"
        except OutputValidationError as error:
            return str(error)
        return ""

    def _validate(self, value: Any) -> Any:
        if not hasattr(self._schema, "model_validate"):
            return value
        try:
            return self._schema.model_validate(value)
        except ValueError as error:  # pydantic's own is one
            problem = truncate(_describe(error), _MAX_PROBLEM_CHARS)
            raise OutputValidationError(
                f"the answer does not fit {self._name}: {problem}"
            ) from None


def make_schema(schema: Any) -> OutputSchema | None:
    """Return the schema that the user gives; None is none.

    Raises:
        UsageError: it is neither a pydantic model nor a JSON schema.
    """
    if schema is None:
        return None
    is_model = isinstance(schema, type) and hasattr(schema, "model_json_schema")
    if not (is_model or isinstance(schema, dict)):
        raise UsageError("`schema` is a pydantic model or a JSON schema (a dict)", option="schema")
    name = schema.__name__ if isinstance(schema, type) else str(schema.get("title") or "value")
    return OutputSchema(schema, name)


def _describe(error: ValueError) -> str:
    """Return the fields that do not fit, without pydantic's addresses and values."""
    errors = getattr(error, "errors", None)  # pydantic is not imported for this
    if errors is None:
        return str(error)
    fields = ((".".join(map(str, item["loc"])), item["msg"]) for item in errors())
    return "; ".join(f"{path}: {message}" if path else message for path, message in fields)
