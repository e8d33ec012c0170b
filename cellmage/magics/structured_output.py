"""``--json`` and ``--schema``: ask for an answer that is a value."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from ..errors import UsageError
from ..output_schema import OutputSchema
from ..text import excerpt
from .lookup import nearest_variable


def schema_from_flags(args: Namespace, variables: Mapping[str, Any]) -> OutputSchema | None:
    """Return the schema of ``--json`` or ``--schema NAME``; None for an answer that is text.

    Raises:
        UsageError: no variable of this name is a schema.
    """
    if args.schema is None:
        return OutputSchema(None, "value") if args.json else None
    schema = variables.get(args.schema)
    if _is_schema(schema):
        return OutputSchema(schema, args.schema)
    name = excerpt(args.schema)
    problem = "it is not a schema" if args.schema in variables else f"{name} is not defined"
    advice = (
        nearest_variable(args.schema, variables, _is_schema)
        or "give the name of a pydantic model or of a JSON schema (a dict)"
    )
    raise UsageError(f"--schema {name}: {problem}; {advice}")


def _is_schema(value: Any) -> bool:
    """Return whether a value is a pydantic model or a JSON schema."""
    is_model = isinstance(value, type) and hasattr(value, "model_json_schema")
    return is_model or isinstance(value, dict)
