"""Read error bodies: the provider's own sentence, its codes, and a status that it contains.

No two servers have the same shape; `_SENTENCE_FIELDS` names the fields in which a sentence stands.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from ..text import truncate
from .masking import mask_error

_MAX_MESSAGE_CHARS = 300
_MAX_SCANNED_CHARS = 3000
"""Characters of a sentence that are searched for keys: more than are shown."""

_MAX_CODE_CHARS = 100
_MAX_DEPTH = 10
"""Levels of JSON within JSON that are read; gateways add one each."""

_MAX_LITERAL_CHARS = 10_000
"""A longer Python object in a sentence is not read."""

_MAX_FIELDS = 3
"""Faults of a list, such as FastAPI's list of fields, that a message names."""

# OpenAI, Gemini, Anthropic; OpenRouter; FastAPI; gateways; MiniMax; OAuth; AWS; Apigee.
_SENTENCE_FIELDS = (
    "error", "message", "msg", "detail", "details", "errors", "raw", "metadata", "base_resp",
    "status_msg", "error_message", "error_msg", "errormessage", "errmsg", "err_msg",
    "error_description", "description", "title", "fault", "faultstring", "reason", "exception",
    "choices",
)  # fmt: skip
_ERROR_FIELDS = (
    "message", "msg", "detail", "details", "errors", "error_message", "error_msg", "errmsg",
    "fault",
)  # fmt: skip
_FAILURES = re.compile(r"error|fail(?:ed|ure)?|[3-9]\d\d|[1-9]\d{3,}|-\d+", re.IGNORECASE)
_SUCCESSES = re.compile(r"0|200|ok|success|succeeded|none|true", re.IGNORECASE)
_CODE_FIELDS = ("code", "type", "status", "status_code", "error_code", "reason", "error")
_INNER_FIELDS = (
    "error", "innererror", "errors", "details", "metadata", "raw", "base_resp", "fault", "message",
    "choices",
)  # fmt: skip

# Fields in which a server sends back what it received, or names places in its own code.
_ECHOES = {
    *("request", "input", "body", "headers", "prompt", "content", "params", "parameters", "path"),
    *("stack", "stacktrace", "stack_trace", "traceback", "trace", "timestamp", "date", "server"),
}

# A sentence that says nothing: another field is more precise.
_EMPTY_SENTENCE = re.compile(
    r"""(?:the[ ])?(?:upstream[ ])?(?:provider[ ])?(?:returned[ ])?(?:an[ ])?(?:unknown[ ])?
    (?:internal[ ]server[ ]|http[ ]|api[ ]|upstream[ ]|validation[ ]|server[ ])?error
    |bad[ ]request|invalid[ ]request|request[ ]failed|failed|unprocessable[ ](?:entity|content)
    |[a-zA-Z0-9_.-]+""",
    re.VERBOSE | re.IGNORECASE,
)
_WEB_PAGE = re.compile(r"<(?:!doctype|!--|html|head|body|title|h1|center|script|meta|div)\b", re.I)
_XML = re.compile(r"<(?:\?xml|error)\b", re.IGNORECASE)
_XML_MESSAGE = re.compile(r"<message>([^<]+)<", re.IGNORECASE)
_TITLE = re.compile(r"<(?:title|h1)[^>]*>([^<]+)<", re.IGNORECASE)
_PROXY_TITLE = re.compile(r"(?:413|429|5\d\d)\b")
# Control and format characters, with the rest of a terminal's escape sequence.
_CONTROL = re.compile(
    "\x1b\\[[0-9;?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?"
    "|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def provider_message(body: Any) -> str:
    """Return the provider's own sentence, as one line of at most 300 characters without keys.

    Args:
        body: the body of an error, parsed or not.

    Returns:
        The sentence, without control characters; empty if there is none.

    Example:
        >>> provider_message({"error": {"message": "model is loading"}})
        'model is loading'
        >>> provider_message({"detail": [{"loc": ["body", "messages"], "msg": "field required"}]})
        'body.messages: field required'
        >>> raw = '{"error": {"message": "no tools"}}'
        >>> metadata = {"raw": raw, "provider_name": "Foo"}
        >>> provider_message({"error": {"message": "Provider error", "metadata": metadata}})
        'no tools (Foo)'
    """
    words = (code for code in error_codes(body) if not code.isdecimal() and code != "error")
    sentence = _CONTROL.sub("", _find_sentence(body, _MAX_DEPTH)) or next(words, "")
    line = " ".join(sentence.split())[:_MAX_SCANNED_CHARS]
    return truncate(mask_error(line), _MAX_MESSAGE_CHARS)


def error_codes(body: Any) -> Iterator[str]:
    """Yield the codes and types of an error body in lower case, the innermost first.

    Example:
        >>> list(error_codes({"error": {"code": "model_not_found", "type": "x"}}))
        ['model_not_found', 'x']
    """
    yield from _find_codes(body, _MAX_DEPTH)


def error_status(body: Any) -> int | None:
    """Return the HTTP status that an error body names, the innermost first; None if it names none.

    Example:
        >>> error_status({"error": {"code": 429, "message": "slow down"}})
        429
    """
    statuses = (int(code) for code in error_codes(body) if code.isdecimal() and len(code) == 3)
    return next((status for status in statuses if 400 <= status < 600), None)


def is_error_body(body: Any, event_type: str = "") -> bool:
    """Return whether a value that a server sent with status 200 reports an error.

    Args:
        body: the data of an event, or the body of the reply: parsed JSON, or text.
        event_type: the type of the server-sent event, or empty.

    Example:
        >>> is_error_body({"code": 400, "msg": "model not exist", "data": None})
        True
        >>> is_error_body({"code": 0, "msg": "ok"}), is_error_body({"choices": []})
        (False, False)
    """
    if not isinstance(body, dict):
        return event_type == "error"
    base = body.get("base_resp")  # MiniMax has it in every chunk
    if body.get("error") or (isinstance(base, dict) and _has_code(base, _FAILURES)):
        return True
    if choices := body.get("choices"):
        # OpenRouter has the error of an upstream server in the choice.
        return isinstance(choices, list) and any(
            isinstance(choice, dict) and bool(choice.get("error")) for choice in choices
        )
    return (
        event_type == "error"
        or any(body.get(name) is False for name in ("success", "ok"))
        or error_status(body) is not None
        or _has_code(body, _FAILURES)
        or ("choices" not in body and _has_sentence(body) and not _has_code(body, _SUCCESSES))
    )


def _has_code(fields: Mapping[str, Any], pattern: re.Pattern[str]) -> bool:
    codes = (fields.get(name) for name in (*_CODE_FIELDS, "object", "errcode"))
    texts = (str(code) for code in codes if isinstance(code, str | int) and code not in ("", True))
    return any(pattern.fullmatch(text) for text in texts)


def _has_sentence(fields: Mapping[str, Any]) -> bool:
    """Return whether one of the fields in which errors have a sentence has a text or a list.

    A native Ollama answer has an object as its "message".
    """
    return any(isinstance(fields.get(name), str | list) and fields[name] for name in _ERROR_FIELDS)


def _find_sentence(value: Any, depth: int) -> str:
    """Return the first sentence that says something, else the first of all."""
    if isinstance(value, str):
        return _unwrap(value, depth)
    if depth and isinstance(value, Mapping):
        return _sentence_of_fields(value, depth - 1)
    if depth and isinstance(value, Sequence):
        sentences = filter(None, (_find_sentence(item, depth - 1) for item in value))
        return "; ".join(dict.fromkeys(islice(sentences, _MAX_FIELDS)))
    return ""


def _sentence_of_fields(fields: Mapping[Any, Any], depth: int) -> str:
    lower = {str(name).lower(): value for name, value in fields.items()}
    sentences = [_find_sentence(lower[name], depth) for name in _SENTENCE_FIELDS if name in lower]
    sentences = [sentence for sentence in sentences if sentence]
    if not sentences:
        others = (_sentence_of_other(name, value, depth) for name, value in lower.items())
        sentences = [sentence for sentence in others if sentence]
    precise = (text for text in sentences if not _EMPTY_SENTENCE.fullmatch(text.rstrip(".!")))
    sentence = next(precise, sentences[0] if sentences else "")
    if isinstance(loc := lower.get("loc"), Sequence) and not isinstance(loc, str) and sentence:
        return f"{'.'.join(map(str, loc))}: {sentence}"
    provider = lower.get("provider_name")
    return f"{sentence} ({provider})" if sentence and isinstance(provider, str) else sentence


def _sentence_of_other(name: str, value: Any, depth: int) -> str:
    """Return the sentence in a field that no table knows, if it is one, or a list of the faults."""
    if name in _ECHOES:
        return ""
    if isinstance(value, str):
        return value if " " in value.strip() else ""
    sentence = _find_sentence(value, depth)
    is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return f"{name}: {sentence}" if sentence and is_list else sentence


def _unwrap(text: str, depth: int) -> str:
    """Return a text, or the sentence in it if it is a web page, or ends in JSON."""
    text = text.lstrip("\ufeff").strip()
    if _XML.match(text) and (message := _XML_MESSAGE.search(text)):
        return message[1]
    if _WEB_PAGE.match(text):
        return _describe_page(text)
    inner = _parse_tail(text) if depth else None
    return _find_sentence(inner, depth - 1) or text if inner is not None else text


def _describe_page(html: str) -> str:
    """Return a sentence with the title of a web page; that of a proxy is at the right address."""
    match = _TITLE.search(html)
    title = match[1].strip() if match else ""
    page = f"a web page came back ({title})" if title else "a web page came back"
    return page if _PROXY_TITLE.match(title) else f"{page}; does the base URL end in /v1?"


def _parse_tail(text: str) -> Any:
    """Return the JSON object or list at the end of a text; None if there is none."""
    starts = [index for index in (text.find("{"), text.find("[{")) if index >= 0]
    for start in sorted(starts) if text.endswith(("}", "]")) else ():
        with suppress(ValueError, RecursionError):
            return json.loads(text[start:])
        # LiteLLM and others put what Python prints of an object into their sentence.
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            return ast.literal_eval(text[start:][:_MAX_LITERAL_CHARS])
    return None


def _find_codes(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        value = _parse_tail(value.strip())
    if not depth:
        return
    if isinstance(value, Mapping):
        for name in _INNER_FIELDS:
            yield from _find_codes(value.get(name), depth - 1)
        for name in _CODE_FIELDS:
            code = value.get(name)
            if isinstance(code, str | int) and not isinstance(code, bool) and code:
                yield str(code)[:_MAX_CODE_CHARS].lower()
    elif isinstance(value, Sequence):
        for item in value[:_MAX_FIELDS]:
            yield from _find_codes(item, depth - 1)
