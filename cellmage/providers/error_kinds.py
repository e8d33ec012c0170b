"""Classify what a provider reports: by the words of its code, its HTTP status and its sentence.

Every row of a table is one kind of failure. A new code is a word in `_CODES`, a new status a line
in `STATUS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..errors import Kind
from .overflow import is_context_overflow


class Failure(NamedTuple):
    """A kind of failure, and the sentence of this package about it."""

    kind: Kind
    advice: str


OVERFLOW = Failure("context_overflow", "the conversation is too long for the model")
_AUTH = Failure("auth", "the key was refused")
_NO_KEY = "this server wants a key, and none was sent"
"""The sentence in place of that of a refused key, where the request had no key."""
_QUOTA = Failure("quota", "there is no credit left")
_PERMISSION = Failure("permission", "this key may not use the model")
_NO_MODEL = Failure("not_found", "there is no such model")
NO_ADDRESS = Failure("not_found", "there is no such address")
_RATE_LIMITED = Failure("rate_limited", "too many requests for now")
_FILTERED = Failure("content_filter", "the provider's filter blocked the answer")
_SERVER = Failure("server", "the provider failed")

# HTTP statuses. Anything else is the class of its hundreds.
STATUS: Mapping[int, Failure] = {
    401: _AUTH,
    402: _QUOTA,
    403: _PERMISSION,
    404: Failure("not_found", "there is no such model or address"),
    405: NO_ADDRESS,
    408: Failure("server", "the provider timed out"),
    413: OVERFLOW,
    429: _RATE_LIMITED,
}
_STATUS_CLASS: Mapping[int, Failure] = {
    3: Failure("redirect", "the address has moved; redirects are not followed"),
    4: Failure("bad_request", "the request was refused"),
    5: _SERVER,
}

# Codes and types in an error body, in lower case: more precise than a status. Numbers are those of
# MiniMax (1008, 2049) and Zhipu (1113, 1302, 1305).
_CODES: Mapping[str, Failure] = {
    word: failure
    for failure, words in {
        _FILTERED: "content_filter responsibleaipolicyviolation content_policy_violation "
        "data_inspection_failed datainspectionfailed moderation_blocked",
        _QUOTA: "insufficient_quota billing_hard_limit_reached insufficient_balance arrearage "
        "insufficient_credits credits_exhausted payment_required exceeded_current_quota_error "
        "billing_error 1008 1113",
        _AUTH: "invalid_api_key api_key_invalid invalid_authentication "
        "invalid_authentication_error authentication_error authenticationerror unauthenticated "
        "unauthorized invalidapikey 2049",
        _PERMISSION: "permission_error permission_denied access_denied forbidden "
        "model_access_denied accessdenied",
        _NO_MODEL: "model_not_found model_not_exist modelnotfound resource_not_found_error",
        _RATE_LIMITED: "rate_limit_exceeded rate_limit_error rate_limit_reached_error rate_limited "
        "too_many_requests throttling throttlingexception throttling.ratequota "
        "throttling.allocationquota limit_requests resource_exhausted 1302 1305",
        _SERVER: "overloaded_error engine_overloaded_error overloaded server_error internal_error "
        "internal_server_error internalservererror service_unavailable unavailable "
        "serviceunavailable bad_gateway timeout",
    }.items()
    for word in words.split()
}

# The same in sentences, for errors whose code and status say nothing.
_SENTENCES: Mapping[Failure, re.Pattern[str]] = {
    failure: re.compile(pattern, re.VERBOSE | re.IGNORECASE)
    for failure, pattern in {
        _AUTH: r"""
            \b(?:incorrect|invalid|wrong|missing|expired|revoked|unknown|no|bad)[ ]
                (?:api|access|auth\w*|bearer)[ _-]?(?:keys?|tokens?|credentials?)\b
            | \b(?:api|access|auth\w*|bearer)[ _-]?(?:keys?|tokens?|credentials?)\b.{0,60}?
                \b(?:invalid|not[ ](?:valid|found|correct)|incorrect|expired|missing|required
                |revoked|wrong)\b
            | \bunauthori[sz]ed\b|\bunauthenticated\b|\bauthentication[ ](?:fail|error|required)""",
        _QUOTA: r"""
            \binsufficient[ _](?:account[ _])?(?:balance|credits?|funds|quota)
            | \b(?:balance|credits?)\b.{0,30}?\b(?:too[ ]low|insufficient|exhausted|not[ ]enough)
            | \bout[ ]of[ ]credits?\b|\bpayment[ ]required\b|余额不足|欠费""",
        _RATE_LIMITED: r"""
            \brate.?limit|\btoo[ ]many[ ]requests\b|\bthrottl
            | \b(?:tokens|requests)[ ]per[ ](?:min|day|sec|hour)|限流|请求过于频繁""",
        NO_ADDRESS: r"""
            \b(?:unexpected|unknown|invalid|unsupported|no[ ]such|no[ ]matching)[ ]
                (?:endpoint|route|path|ur[il])\b
            | \bno[ ]route\b|\b(?:endpoint|route|path|page|url)[ ](?:is[ ])?not[ ]found\b
            | \bcannot[ ]POST[ ]/""",
        _NO_MODEL: r"""
            \bmodel\b.{0,80}?\b(?:not[ ](?:found|exist)|does[ ]not[ ]exist|doesn't[ ]exist)
            | \b(?:no[ ]such|unknown)[ ]model\b""",
        _FILTERED: r"""
            \bcontent[ _](?:management[ ])?(?:policy|filter)|\binappropriate[ ]content
            | \bsafety[ ]system|\bflagged[ ]by\b""",
    }.items()
}


def say_no_key(text: str, advice: str = "") -> str:
    """Return the text of an error about a key for a request that had none.

    Args:
        text: the text, which says that the key was refused.
        advice: what to do.

    Example:
        >>> say_no_key("m at host: the key was refused (HTTP 401)", "set A_KEY")
        'm at host: this server wants a key, and none was sent: set A_KEY (HTTP 401)'
    """
    return text.replace(_AUTH.advice, ": ".join(filter(None, (_NO_KEY, advice))), 1)


# The statuses whose class alone says nothing about the cause.
_VAGUE_STATUSES = {None, 400, 422, 500}


def classify(message: str, codes: Iterable[str], status: int | None) -> Failure | None:
    """Return what an error reports; None if neither its code, its status nor its words say it.

    Args:
        message: the provider's sentence.
        codes: the codes and types of the error, in lower case, the most precise first.
        status: the HTTP status, or the one that the error names.

    Example:
        >>> classify("prompt is too long", [], 400).kind
        'context_overflow'
        >>> classify("", ["invalid_api_key"], 400).kind
        'auth'
        >>> classify("slow down", [], 429).kind, classify("oops", [], None)
        ('rate_limited', None)
    """
    words = list(codes)
    if status not in (401, 402, 403) and is_context_overflow(message, words, status == 429):
        return OVERFLOW
    by_code = next((_CODES[word] for word in words if word in _CODES), None)
    if by_code is not None and by_code is not _SERVER:
        return by_code
    if status in _VAGUE_STATUSES:
        for failure, pattern in _SENTENCES.items():
            if pattern.search(message):
                return failure
    if status is None:
        return by_code
    return STATUS.get(status) or _STATUS_CLASS.get(status // 100, _SERVER)
