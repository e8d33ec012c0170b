"""The words of scripts without spaces, as the index knows them: characters, found side by side.

SQLite's tokenizer makes one word of a sentence in Chinese or Japanese. So such text is indexed a
second time, as single characters: "静默模式" as "静 默 模 式". A question finds its pairs of
characters as phrases. An index of pairs would have a hundred times as many words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

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
# All but letters before Thai, kana, Han and Hangul, which are most of a text.
_MAYBE_MARK = re.compile("[^\x00-\u0dff\u3040-\u3098\u3400-\u9fff\uac00-\ud7ff]")
_OTHER = rf"[^\W{_RANGES}]+"
# Characters, and the parts in other scripts of words that contain such characters.
_GRAM = re.compile(f"[{_RANGES}]|(?<=[{_RANGES}]){_OTHER}|{_OTHER}(?=[{_RANGES}])")
_WORD = re.compile(rf"[{_RANGES}]+|{_OTHER}")


def gram_text(text: str) -> str:
    """Return what is indexed beside a text; empty for a text of scripts with spaces.

    Example:
        >>> gram_text("静默模式 of GPT模型"), gram_text("Tides")
        ('静 默 模 式 gpt 模 型', '')
    """
    if text.isascii() or not _MAYBE.search(text):
        return ""
    return " ".join(_GRAM.findall(_normalize(text)))


def query_words(question: str) -> Iterator[str]:
    """Yield the words of a question in FTS5's syntax.

    Example:
        >>> list(query_words("GPT的静默")), list(query_words("猫?"))
        (['"gpt"', '"的 静"', '"静 默"'], ['"猫" *'])
    """
    text = _normalize(question) if _MAYBE.search(question) else question.casefold()
    for word in _WORD.findall(text):
        if not _RUN.match(word):
            yield f'"{word}"'
        elif len(word) == 1:
            yield f'"{word}" *'
        else:
            yield from (f'"{first} {second}"' for first, second in pairwise(word))


def _normalize(text: str) -> str:
    """Return the text without the marks of Thai and its like, which SQLite's tokenizer drops."""
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    marks = {char for char in _MAYBE_MARK.findall(text) if unicodedata.category(char)[0] == "M"}
    return text.casefold().translate(dict.fromkeys(map(ord, marks)))
