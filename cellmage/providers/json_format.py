"""The form of an answer that is JSON: in the words of each API, or in plain words; no I/O.

``--json`` and ``--schema`` ask by chat completions' ``response_format``, in ``extra_body``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..messages import Message, Request

FIELD = "response_format"

FIELDS = frozenset({FIELD, "text", "output_config", "output_config.format", "format"})
"""The fields of the APIs that ask for a form."""

_IN_WORDS = "Answer with JSON only: no text around it, no fence."


def split_format(extra_body: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return the form that is asked for, and the other parameters; an empty form asks for none.

    Example:
        >>> split_format({"response_format": {"type": "json_object"}, "top_p": 1})
        ({'type': 'json_object'}, {'top_p': 1})
    """
    others = {name: value for name, value in extra_body.items() if name != FIELD}
    form = extra_body.get(FIELD)
    return (form if isinstance(form, Mapping) else {}), others


def schema_of(form: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the field ``json_schema`` of a form: its name and its schema; empty without one."""
    schema = form.get("json_schema")
    return schema if isinstance(schema, Mapping) else {}


def ask_in_words(request: Request) -> Request:
    """Return the request with the form in the system prompt, for a model that has no field for it.

    Example:
        >>> from cellmage import Options
        >>> options = Options(extra_body={"response_format": {"type": "json_object"}})
        >>> asked = ask_in_words(Request((Message("user", "List"),), options))
        >>> asked.messages[0].content, asked.options.extra_body
        ('Answer with JSON only: no text around it, no fence.', {})
    """
    form, others = split_format(request.options.extra_body)
    if not form:
        return request
    words = _IN_WORDS
    if schema := schema_of(form).get("schema"):
        words += f" It must fit this JSON schema:\n{json.dumps(schema, ensure_ascii=False)}"
    first, *other_messages = request.messages
    if first.role == "system":
        messages = (replace(first, content=f"{first.text}\n\n{words}"), *other_messages)
    else:
        messages = (Message("system", words), first, *other_messages)
    options = replace(request.options, extra_body=others)
    return replace(request, messages=messages, options=options)
