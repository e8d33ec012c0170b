"""Reasoning between tags in the text of an answer: ``<think>…</think>`` and its kin; no I/O.

A server without a reasoning parser sends what its model writes. The tags count at the head of the
answer only: later, and in code, they are text. Some chat templates write the start tag into the
prompt; then the answer begins with reasoning, and only the end tag arrives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from ..events import Event, Reasoning, Reclassification, Token

# Start and end, in lower case: models and their servers differ in case.
TAGS: Mapping[str, str] = {
    "<think>": "</think>",  # DeepSeek, Qwen, GLM, MiniMax and most others
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",  # Gemini
    "<reasoning>": "</reasoning>",
    "<reason>": "</reason>",
    "<reflection>": "</reflection>",
    "[think]": "[/think]",  # Magistral
    "◁think▷": "◁/think▷",  # Kimi
    "<seed:think>": "</seed:think>",  # Seed-OSS
    "<longcat_think>": "</longcat_think>",  # LongCat
    "<|channel>thought": "<channel|>",  # Gemma
    "<|start_thinking|>": "<|end_thinking|>",  # Command A
    "<|begin_of_thought|>": "<|end_of_thought|>",  # OpenThinker
    "<|channel|>analysis<|message|>": "<|end|>",  # gpt-oss
}

_LEADS = ("<|start|>assistant", "<|channel|>final<|message|>")
"""What gpt-oss writes before its reasoning and before its text; at the head it is neither."""

_MESSAGE_END = "<|end|>"
"""The end of a message: other models write it behind their text, so alone it ends no reasoning."""

_LONE_ENDS = (
    *(end for end in TAGS.values() if end != _MESSAGE_END),
    _MESSAGE_END + "".join(_LEADS),
)
_ALL_TAGS = (*TAGS, *TAGS.values(), *_LEADS, *_LONE_ENDS)
_MAX_TAG_CHARS = max(map(len, _ALL_TAGS))

_MAX_CUT_CHARS = _MAX_TAG_CHARS + 101
"""A longer text that is open at the end is no tag: its attributes are too long."""

_FIRST_CHARS = re.compile(r"[<\[◁]")
_ATTRIBUTES = r"(?:\s[^<>]{0,100})?>"


def _pattern(tag: str) -> str:
    """Return the pattern of a tag; one in pointed brackets may have attributes and blanks."""
    is_element = re.fullmatch(r"</?[\w:]+>", tag)
    return re.escape(tag[:-1]) + _ATTRIBUTES if is_element else re.escape(tag)


_STARTS = {re.compile(_pattern(tag), re.IGNORECASE): end for tag, end in TAGS.items()}
_START = re.compile("|".join(map(_pattern, TAGS)), re.IGNORECASE)
_END = re.compile("|".join(map(_pattern, _LONE_ENDS)), re.IGNORECASE)
_LEAD = re.compile(rf"\s*(?:{'|'.join(map(re.escape, _LEADS))})", re.IGNORECASE)
_CUT_ELEMENT = re.compile(r"</?[\w:]+\s[^<>]{0,100}")
_BLANK_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.MULTILINE)
_SENTENCE_BEFORE = re.compile(r"""\S[ \t"'(]\Z|["']\Z""")
_SENTENCE_AFTER = re.compile(r"""[ \t]+[a-z(]|[.,;:!?)"']""")

_MAX_LINE_CHARS = 500
"""Characters of a line in which the ends of code are counted."""

_MAX_TAGS = 50
"""Tags of an answer that are looked at, so that a text full of them takes no time."""


class ThinkTagSplitter:
    """Splits a text that arrives in pieces, cut anywhere, into reasoning and text.

    Only what may be a tag is held back. If an end tag arrives alone, the text before it has been
    passed on; a `Reclassification` then says that it was reasoning. The blank lines between the
    reasoning and the text belong to neither.

    Example:
        >>> splitter = ThinkTagSplitter()
        >>> [*splitter.feed("<thi"), *splitter.feed("nk>hm</think>\\n\\nHello"), *splitter.close()]
        [Reasoning(text='hm'), Token(text='Hello')]
        >>> splitter = ThinkTagSplitter()
        >>> [*splitter.feed("hm"), *splitter.feed("</think>Hello")]
        [Token(text='hm'), Reclassification(text='hm'), Token(text='Hello')]
    """

    def __init__(self) -> None:
        self._state = self._at_head
        self._is_text = False  # True in the state `_in_text`
        self._held: list[str] = []
        self._texts: list[str] = []  # passed on as text, while a lone end tag may follow
        self._has_reasoning = False
        self._has_nested = False  # a start tag within the reasoning: its end may come twice
        self._end_tag = ""
        self._blanks: str | None = ""  # that begin the reasoning; None once something follows
        self._line = ""  # the last line of the reasoning that was passed on
        self._tag_count = 0

    def drop_blank_lines(self) -> None:
        """Leave out the blank lines at the head, since reasoning arrived in a field of its own."""
        self._has_reasoning = True

    def feed(self, piece: str) -> Iterable[Event]:
        """Return the events of the next piece of the text."""
        if self._is_text and not (self._held or _FIRST_CHARS.search(piece)):  # nearly all pieces
            self._texts.append(piece)
            return (Token(piece),)
        self._held.append(piece)
        return list(self._advance(is_end=False))

    def close(self) -> Iterable[Event]:
        """Return the events of what was held back, at the end of the text."""
        return list(self._advance(is_end=True))

    def _advance(self, is_end: bool) -> Iterator[Event]:
        state = None
        while state != self._state:
            state = self._state
            yield from state(is_end)
        self._is_text = state == self._in_text

    # The states. Each makes events of the held pieces, and leaves there what it cannot decide yet.

    def _at_head(self, is_end: bool) -> Iterator[Event]:
        head = "".join(self._held)
        start = head.lstrip()
        if self._has_reasoning and (match := _END.match(start)):
            head = start[match.end() :]  # the tag of reasoning that came in a field of its own
            start = head.lstrip()
        while match := _LEAD.match(head):
            head = head[match.end() :]
            self._held, start = [head], head.lstrip()
        if (match := _START.match(start)) and self._tag_count < _MAX_TAGS:
            self._tag_count += 1
            self._end_tag = next(end for tag, end in _STARTS.items() if tag.match(start))
            self._blanks, self._line = "", ""
            self._held, self._state = [start[match.end() :]], self._in_reasoning
        elif not is_end and (not start or _begins_tag(start, _ALL_TAGS)):
            return
        elif self._has_reasoning:
            self._held = [_BLANK_LINES.sub("", head)] if start else []
            self._state = self._in_text if self._has_nested else self._after_head
        else:
            self._state = self._in_text
        yield from ()

    def _in_reasoning(self, is_end: bool) -> Iterator[Event]:
        text = "".join(self._held)
        for match in re.finditer(_pattern(self._end_tag), text, re.IGNORECASE):
            line = _last_line(self._line + text[: match.start()])
            if line.endswith("`") and line.count("`") % 2:
                continue  # the model reasons about the tag itself
            yield from self._end_reasoning(text[: match.start()], text[match.end() :])
            return
        size = len(text) if is_end else _size_before_cut_tag(text, [self._end_tag])
        self._held = [text[size:]]
        yield from self._reasoning(text[:size])

    def _in_text(self, is_end: bool) -> Iterator[Event]:
        text = "".join(self._held)
        for match in _END.finditer(text):
            before, after = "".join(self._texts) + text[: match.start()], text[match.end() :]
            if not is_end and not after.strip(" \t"):
                return
            if _ends_reasoning(before, after):
                text_before, self._texts = "".join(self._texts), []
                if text_before:
                    yield Reclassification(text_before)
                self._blanks, self._line = None if text_before else "", ""
                yield from self._end_reasoning(text[: match.start()], after)
                return
            self._tag_count += 1
        if is_end or _size_before_cut_tag(text, _LONE_ENDS) == len(text):
            self._texts += self._held
            if self._tag_count > _MAX_TAGS:
                self._state = self._after_head
            yield from self._tokens()

    def _after_head(self, is_end: bool) -> Iterator[Event]:
        yield from self._tokens()

    def _tokens(self) -> Iterator[Event]:
        """Yield the held pieces as text, each as it was received."""
        pieces, self._held = self._held, []
        yield from (Token(piece) for piece in pieces if piece)

    def _reasoning(self, text: str) -> Iterator[Event]:
        """Yield reasoning, but none of blanks alone: some models send tags without reasoning."""
        text = (self._blanks or "") + text
        if text and (self._blanks is None or text.strip()):
            line = self._line + text
            self._has_nested = self._has_nested or _START.search(line) is not None
            self._blanks, self._line = None, _last_line(line)
            yield Reasoning(text)
        elif text:
            self._blanks = text

    def _end_reasoning(self, reasoning: str, text: str) -> Iterator[Event]:
        yield from self._reasoning(reasoning)
        self._has_reasoning = True
        self._held, self._state = [text], self._at_head


def _begins_tag(text: str, tags: Iterable[str]) -> bool:
    """Return whether the text is the beginning of a tag, and not all of it."""
    if _CUT_ELEMENT.fullmatch(text):  # a name that is complete, and attributes that are not
        return f"{text.split(maxsplit=1)[0].lower()}>" in tags
    lower = text[:_MAX_TAG_CHARS].lower()
    return any(tag.startswith(lower) and tag != lower for tag in tags)


def _size_before_cut_tag(text: str, tags: Iterable[str]) -> int:
    """Return how many characters stand before a tag that is cut at the end of the text."""
    for match in _FIRST_CHARS.finditer(text, max(0, len(text) - _MAX_CUT_CHARS)):
        if _begins_tag(text[match.start() :], tags):
            return match.start()
    return len(text)


def _last_line(text: str) -> str:
    return text[text.rfind("\n") + 1 :][-_MAX_LINE_CHARS:]


def _ends_reasoning(before: str, after: str) -> bool:
    """Return whether an end tag without a start tag ends reasoning.

    It does not in code, and not where a sentence mentions it.

    Args:
        before: the text before the tag.
        after: the text after it, as far as it has arrived.
    """
    line = _last_line(before)
    is_code = len(_FENCE.findall(before)) % 2 == 1 or line.count("`") % 2 == 1
    is_mentioned = _SENTENCE_BEFORE.search(line) and _SENTENCE_AFTER.match(after)
    return not (is_code or is_mentioned or _START.search(before))
