"""Recognize errors that say that a request is too long for the context window of the model.

Hardly any two servers say it in the same words, and some say it about other limits in nearly the
same words: rates, the length of the answer, files. `tests/providers/test_overflow.py` has a
sentence of each server; a new one belongs there first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Codes that do not say it in words: Zhipu (1261), MiniMax (1039, "token limit"), Anthropic and
# GitHub Models (the request as a whole).
_CODES = {"1261", "1039", "request_too_large", "tokens_limit_reached"}

# A request that would never fit into the rate, however long it waits: Groq and OpenAI.
_NEVER_FITS = re.compile(
    r"request too large for|reduce your message size|tokens must be reduced", re.IGNORECASE
)

# The nearly same words about something else.
_OTHER_LIMITS = re.compile(
    r"""
    rate.?limit|\b[tr]p[mdhs]\b|\bper[ ](?:second|minute|min|hour|day|week|month)\b
    | \b(?:last|this|current|next)[ ](?:second|minute|hour|day)\b
    | throttl|too[ ]many[ ]requests|concurren|please[ ]wait|try[ ]again[ ]later|\btokens[ ]processed
    | quota|billing|credit|\bspend|subscription|usage[ ]limit|\b(?:daily|hourly|weekly|monthly)\b
    | context[ ](?:deadline|cancell?ed)|timed?[ ]?out|too[ ]small
    | (?:access|auth\w*|api|bearer|jwt|csrf|refresh|session|security)[ ]token
    | \b(?:tools?|functions?)(?:\[|\.\d|[ ]name|[ ]call)|\btoo[ ]many[ ](?:tools|functions)|schema
    | \bheaders?\b|\bur[il]\b|cache[ _]?key|\bid\b.{0,10}too[ ]long
    | \bstop[ _]?(?:sequence|word|phrase|\b)|metadata|logprobs|logit_bias
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FILES = re.compile(
    r"\b(?:files?|images?|audio|video|pdf|attachments?|uploads?|media)\b", re.IGNORECASE
)
_TOKENS = re.compile(r"token", re.IGNORECASE)

# Limits of the answer alone. Groq's sentence about `max_tokens` compares it with the parameter
# `context_window`; pydantic begins its sentences with "Input should".
_OUTPUT = re.compile(
    r"max_(?:\w+_)?tokens|\b(?:output|completion|generated|thinking|reasoning) tokens",
    re.IGNORECASE,
)
_INPUT = re.compile(
    r"\binputs?(?:\b|_)(?! (?:should|validation))|\+|prompt|messages?\b|conversation|history"
    r"|context[ _](?:length|limit|size)|context window",
    re.IGNORECASE,
)

_WINDOW = r"context ?(?:length|window|size|limit|space|capacity|budget)"
_SUBJECT = (
    r"\b(?:inputs?|prompts?|context|conversation|chat|history|messages?|tokens?|request|sequence"
    r"|text|query|question)\b"
)
_MEASURE = r"(?:tokens?|(?:(?:token|character)s? )?(?:length|size|limit|count))"
_LONGER = r"(?:exceed|surpass|(?:long|great|larg)er than|more than|above|over the|beyond)\w*\b"
_LIMIT = (
    r"\b(?:max\w*|limit\w*|context|window|length|size|capacity|allowed|supported"
    r"|\d+ (?:token|char)s?)"
)

# What is said of a request that is too long, with blanks in the place of "_".
_TOO_LONG = re.compile(
    "|".join(
        (
            # the context window, with what is wrong about it, or with its size
            rf"{_WINDOW}.{{0,60}}?(?:exceed|error|too |reached|full\b|limit|\bis\b|\bof\b|\d)",
            r"(?:exceed|max|available|reached|over|beyond|fit|fill|greater|longer|larger|enough)\w*\b"
            rf".{{0,40}}?\b{_WINDOW}",
            r"\bmax\w* context\b.{0,20}?(?:exceed|reach|\d)|exceed\w*\b.{0,40}?\bmax\w* context\b",
            r"context (?:the )?overflow|overflow.{0,20}context|context shift|out of context",
            r"\bcontext (?:is )?full\b",
            # "the prompt is too long", "too long a prompt", "too many tokens"
            rf"{_SUBJECT}.{{0,60}}?\btoo (?:long|large|big)\b",
            r"\btoo (?:long|large|big) (?:an? |for )?(?:input|prompt|context|conversation|message)",
            r"\b(?:payload|body|content|entity)\b.{0,20}?\btoo (?:long|large|big)\b",
            r"\btoo many (?:\w+ ){0,2}(?:tokens|messages)\b",
            # "the input exceeds the maximum", "exceeded max input tokens", "token limit reached"
            rf"{_SUBJECT}.{{0,80}}?\b{_LONGER}.{{0,60}}?{_LIMIT}",
            r"\bexceed\w*\b.{0,40}?\b(?:max\w*|limit|allowed)\b.{0,40}?\b(?:input|prompt|tokens?)\b",
            rf"\bexceed\w*\b.{{0,40}}?\btokens? {_MEASURE}",
            rf"\b(?:input|prompt|sequence|message|conversation) {_MEASURE} (?:has been )?"
            r"(?:exceeded|reached)",
            r"\btokens? exceeded\b|\bkv cache\b.{0,20}?\b(?:full|space|slot)",
            r"\btokens? limit\b.{0,20}?\b(?:exceed|reach|hit)",
            r"\bmax\w*\b.{0,20}?\btokens?\b.{0,20}?\bexceed",
            r"\b(?:input|prompt|context|conversation|chat)\b.{0,40}?\breach\w*\b.{0,20}?\b(?:max|limit)",
            rf"{_SUBJECT}.{{0,60}}?\b{_LONGER}.{{0,20}}?\bmodel (?:can|could)\b",
            r"\blength of\b.{0,20}?\b(?:input|prompt|messages)\b.{0,40}?"
            rf"(?:<|less than|{_LONGER})",
            rf"\b(?:input|prompt) {_MEASURE} <",
            # "maximum prompt length is 8192", "supports up to 8192 tokens"
            rf"\b(?:max\w*|limit)\b.{{0,20}}?\b(?:input|prompt|sequence|message) {_MEASURE}",
            r"\b(?:tokens?|inputs?|prompt)\b.{0,60}?\bsupports? (?:only )?(?:up to|at most)",
            r"\b(?:max (?:model|seq\w*) len|n ctx)",
            # what to do about it
            r"\b(?:reduce|shorten|trim)\b.{0,30}?\b(?:input|prompt|messages?|context|conversation|history)\b",
            r"\bshorter (?:input|prompt|messages?|context|conversation)\b|\blarger context\b",
            rf"{_SUBJECT}.{{0,30}}?\bnot fit\b|\bcannot fit\b.{{0,20}}?{_SUBJECT}",
            r"\brange of input length\b",
            r"\binputs?\b.{0,20}?tokens?\b.{0,40}?\b(?:must|should|can)\b.{0,30}?(?:<|less)",
            r"\binputs?\W+must have (?:less|fewer) than",
            # Chinese, Japanese and Korean servers
            r"(?:输入|上下文|提示|文本|对话|消息|请求|prompt|tokens?).{0,20}?(?:超过|超出|超长|超限|过长|太长|过大)",
            r"(?:入力|プロンプト|コンテキスト|トークン|メッセージ|会話).{0,30}?(?:超え|超過|長すぎ|上限)",
            r"(?:입력|프롬프트|컨텍스트|토큰|메시지|대화).{0,30}?(?:초과|너무 (?:길|깁))",
        )
    ),
    re.IGNORECASE,
)
# "9001 tokens, but at most 8192": what was sent, and the limit.
_TWO_COUNTS = re.compile(
    r"(?=.*tokens?)(?=.*\d{3}.*?\D\d{3})"
    r".*(?:\b(?:max|limit|at most|only|allow|support|available|exceed)|[<>])",
    re.IGNORECASE | re.DOTALL,
)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def is_context_overflow(
    message: str, codes: Iterable[str] = (), is_rate_limited: bool = False
) -> bool:
    """Return whether an error says that the request is too long for the model.

    Args:
        message: the provider's sentence.
        codes: the codes and types of the error, in lower case.
        is_rate_limited: True if the status says so; then the sentence is about the rate, unless it
            says that the request never fits.

    Example:
        >>> is_context_overflow("prompt is too long: 210000 tokens > 200000 maximum")
        True
        >>> is_context_overflow("", ["context_length_exceeded"])
        True
        >>> is_context_overflow("Rate limit reached: too many tokens per minute")
        False
    """
    words = list(codes)
    if not _CODES.isdisjoint(words) or _NEVER_FITS.search(message):
        return True
    texts = words if is_rate_limited else [message, *words]
    return any(map(_says_overflow, texts))


def _says_overflow(text: str) -> bool:
    if _OTHER_LIMITS.search(text) or (_FILES.search(text) and not _TOKENS.search(text)):
        return False
    if _OUTPUT.search(text) and not _INPUT.search(text):
        return False
    words = _HUMP.sub(" ", text).replace("_", " ")
    return bool(_TOO_LONG.search(words) or _TWO_COUNTS.match(words))
