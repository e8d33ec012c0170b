"""Guess the encoding of a text that is neither UTF-8 nor in Western letters.

Such files come from editors and spreadsheets of China, Taiwan, Japan, Korea and Russia. In the
right encoding, many characters are among the most frequent ones of the language; in a wrong one,
few are.
"""

from __future__ import annotations

import codecs
import re

_ENCODINGS = ("gb18030", "cp950", "cp932", "euc_jp", "cp949", "cp1251", "koi8_r")
_CYRILLIC_ENCODINGS = ("cp1251", "koi8_r")
_WIDE_ENCODINGS = ("utf-16-le", "utf-16-be")

_SAMPLE_BYTES = 20_000
_MIN_COMMON_SHARE = 0.35
"""The share of frequent characters among those beyond ASCII. Right guesses have 0.5 and more."""

_MIN_PAIR_SHARE = 0.7
"""The share of the bytes beyond ASCII that stand side by side. In Western languages it is small."""

_SIMPLIFIED = (
    "的一是不了人我在有他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所"
    "然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日者意无力它与长"
    "把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应文体相见或新己制身果加月话合回特代内信"
    "表化给位次度任常先教原声提及比员解水名真论走义各入几口条平系气题更别打四神总何电数少报才结受目太量再务做必件"
    "计管期市直德资指区保至队形便决展马科五基书非则听达光放强即难且权思象设式路记品求据程该规万取格望领确传师观清"
    "今让识候导争运选择文使置"
)
_TRADITIONAL = (
    "這個們來為國說時會對發後過種經麼學現當沒動還進樣開實無與長機處話點業將兩間問並應戰向頭體見產號給門東聲員論"
    "義條係氣題變總電數報務場計資許統區隊決馬書則聽達強難權設記類據邊該規萬領傳師觀讓識帶導爭運裡從關於"
)
_KOREAN = (
    "이다는의에을를은가고한하지기로사인어서도해리자대시나정있수일그보만과으들니적라전게부성것장여스구원제상생비조용"
    "동문주면아우소없경유방무었했습합입안내"
)
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхж"
_PUNCTUATION = "，。、；：？！「」『』（）《》“”…　・ー"

_COMMON = frozenset(_SIMPLIFIED + _TRADITIONAL + _KOREAN + _CYRILLIC + _PUNCTUATION)
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_MIXED_WORD = re.compile(r"(?<=[A-Za-z])[^\x00-\x7f]|[^\x00-\x7f](?=[A-Za-z])")
_HIGH_BYTES = re.compile(rb"[\x80-\xff]+")


def guess_encoding(data: bytes, is_wide: bool = False) -> str | None:
    """Return the encoding of a text by its most frequent characters; None if none fits.

    Args:
        data: the bytes of a text that is not UTF-8.
        is_wide: whether each character has two bytes, as in UTF-16.

    Example:
        >>> guess_encoding("打开设置，然后选择静默。".encode("gbk"))
        'gb18030'
        >>> guess_encoding("Größe und Übermaß".encode("latin-1")) is None
        True
    """
    sample = data[:_SAMPLE_BYTES]
    if not is_wide and _pair_share(sample) < _MIN_PAIR_SHARE:
        return None
    encodings = _WIDE_ENCODINGS if is_wide else _ENCODINGS
    shares = {encoding: _common_share(sample, encoding) for encoding in encodings}
    best = max(shares, key=lambda encoding: shares[encoding])
    return best if shares[best] >= _MIN_COMMON_SHARE else None


def _pair_share(sample: bytes) -> float:
    runs = [len(run) for run in _HIGH_BYTES.findall(sample)]
    return sum(size for size in runs if size > 1) / max(1, sum(runs))


def _common_share(sample: bytes, encoding: str) -> float:
    """Return the share of frequent characters among those beyond ASCII; 0 if it does not decode."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)  # the last one may be cut
    except UnicodeDecodeError:
        return 0.0
    letters = [char for char in text if not char.isascii()]
    common = sum(char in _COMMON or _KANA.match(char) is not None for char in letters)
    if encoding in _CYRILLIC_ENCODINGS:  # "Zażółć" in cp1250 is no Cyrillic word
        common -= len(_MIXED_WORD.findall(text))
    return common / max(1, len(letters))
