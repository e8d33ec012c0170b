r"""TeX as it is published: every parser leaves it alone, and it is typeset as it was meant.

JupyterLab hides a formula from its markdown parser. Other front ends and nbconvert have rules of
their own, and read what they take for no formula as markdown. So TeX is written such that it
contains nothing that could act, and no line that begins a block. White space means nothing in TeX.
"""

from __future__ import annotations

import re

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(r"!(?=\[)|\](?=[(\[:])")
_TILDES = re.compile("~(?=~)")
# GFM makes a link of a bare URL, and of all that follows it up to a space.
_URL = re.compile(r"(?<=[a-z]):(?=//)|(?<=www)\.", re.IGNORECASE)
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*")
_PIPE = re.compile(r"(\\?)\|(?=([A-Za-z])?)")
_BRACKET = re.compile(r"[\[\]]")
_PAIRED_BRACKETS = re.compile(r"\[[^\[\]\n]*\]")
_DOLLAR_PAIR = re.compile(r"(?<!\\)\$([^$]*)(?<!\\)\$")
_LONE_DOLLAR = re.compile(r"(?<!\\)\$")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
# A line that begins so is a block of markdown, where a parser sees no formula.
_BLOCK_START = re.compile(r"^[ \t]*(?:[-+*>#=:|]|\d+[.)]|~~~|\[|<)", re.MULTILINE)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_ENTITY = re.compile("|".join(_ENTITIES))
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")


def write_tex(tex: str, is_line: bool = False, is_cell: bool = False) -> str:
    r"""Return TeX that means the same, and that no markdown parser can misread.

    Args:
        tex: the content of a formula.
        is_line: whether it must not contain a line feed, as in a heading or a quote.
        is_cell: whether it must not contain a pipe, either, as in a cell of a table.

    Example:
        >>> write_tex("a<b, [A](j)"), write_tex("|x|", is_line=True, is_cell=True)
        ('a< b, [A] (j)', '\\vert{}x\\vert')
    """
    # A space, so that no command appears that was judged in two halves.
    text = _ENTITY.sub(lambda match: _ENTITIES[match[0]], _DIRECTION.sub(" ", tex))
    text = _LINK.sub(lambda match: f"{match[0]} ", _TAG.sub("< ", text)).replace("@@", "@ @")
    text = _URL.sub(lambda match: f"{{}}{match[0]}", _TILDES.sub("~{}", text))
    # TeX inside \text{…} has dollars of its own, which would end the formula.
    text = _DOLLAR_PAIR.sub(r"\\(\1\\)", text)
    text = _LONE_DOLLAR.sub(r"\\$", text)
    text = _BLANK_LINES.sub("\n", text)
    if is_cell:
        text = escape_pipes(text)
    if "\n" in text and (is_line or _BLOCK_START.search(text)):
        # A comment ends at the line feed.
        text = " ".join(line.strip() for line in _COMMENT.sub(r"\1", text).split("\n"))
    text = text.strip()
    # A backslash at the end would escape the closing dollar.
    return f"{text}{{}}" if text.endswith("\\") else text


def escape_brackets(tex: str) -> str:
    r"""Return TeX without lone brackets, of which one could end the text of a link.

    Example:
        >>> escape_brackets(r"[0, 1)"), escape_brackets(r"\sqrt[3]{x}")
        ('\\lbrack{}0, 1)', '\\sqrt[3]{x}')
    """
    if not _BRACKET.search(_PAIRED_BRACKETS.sub("", tex)):
        return tex
    return _BRACKET.sub(lambda match: rf"\{'l' if match[0] == '[' else 'r'}brack{{}}", tex)


def escape_pipes(tex: str) -> str:
    r"""Return TeX without pipes, which would end a cell of a table.

    Example:
        >>> escape_pipes(r"|x| + \|y\|")
        '\\vert{}x\\vert + \\Vert{}y\\Vert'
    """
    return _PIPE.sub(lambda match: rf"\{'V' if match[1] else 'v'}ert{'{}' * bool(match[2])}", tex)
