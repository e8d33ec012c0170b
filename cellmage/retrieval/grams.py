"""The words of scripts without spaces, as the index knows them: pairs of characters.

SQLite's tokenizer makes one word of a sentence in Chinese or Japanese. So such text is indexed a
second time: "静默模式" as "静默 默模 模式 式". The last character stands alone: a question of one
character finds the pairs that begin with it, and this one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_RANGES = (
    # Thai to Tibetan, Myanmar, Hangul's parts, Khmer.
    r"\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff"
    # Kana without their punctuation, Han, Hangul, Han beyond the first plane.
    r"\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    r"\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_RANGES}]+")
# Full and half width of letters and kana are one letter for the reader.
_MAYBE = re.compile(f"[{_RANGES}\uff66-\uffdc]")
_WORD = re.compile(r"\w+")


def gram_text(text: str) -> str:
    """Return what is indexed beside a text; empty for a text of scripts with spaces.

    Example:
        >>> gram_text("静默模式 of GPT模型"), gram_text("Tides")
        ('静默 默模 模式 式 gpt 模型 型', '')
    """
    if text.isascii() or not _MAYBE.search(text):
        return ""
    words = (word for word in _WORD.findall(_normalize(text)) if _RUN.search(word))
    return " ".join(gram for word in words for gram in _grams(word, is_query=False))


def query_words(question: str) -> Iterator[str]:
    """Yield the words of a question in FTS5's syntax.

    Example:
        >>> list(query_words("GPT的静默")), list(query_words("猫?"))
        (['"gpt"', '"的静"', '"静默"'], ['"猫" *'])
    """
    text = _normalize(question) if _MAYBE.search(question) else question.casefold()
    for word in _WORD.findall(text):
        for gram in _grams(word, is_query=True):
            is_single = len(gram) == 1 and _RUN.match(gram)
            yield f'"{gram}" *' if is_single else f'"{gram}"'


def _normalize(text: str) -> str:
    """Return the text without the marks of Thai and its like, which SQLite's tokenizer drops."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(
        char for char in text if char < "\u0e00" or not unicodedata.category(char).startswith("M")
    )


def _grams(word: str, is_query: bool) -> Iterator[str]:
    """Yield the pairs of a word, and its parts in other scripts as they are."""
    position = 0
    for run in _RUN.finditer(word):
        if position < run.start():
            yield word[position : run.start()]
        pairs = [run[0][start : start + 2] for start in range(len(run[0]) - 1)]
        yield from pairs if is_query and pairs else [*pairs, run[0][-1]]
        position = run.end()
    if position < len(word):
        yield word[position:]
