"""Block tokens as markdown that all parsers read alike: one form for each kind of block."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from markdown_it.token import Token

from .diagrams import is_plain_diagram
from .tex import write_tex
from .write_html import find_block_tags, split_at_tags, write_html, write_tag
from .write_inline import Context, write_destination, write_inline
from .write_text import entity, protect_line_starts, write_title

_INFO = re.compile(r"[^\w \t+#.,{}='()/:-]")
"""Characters that no language has in its name: JupyterLab puts it into an attribute as it is."""

_THEMATIC_BREAK = "___"
"""Not ``---``, which under a line of text is the underline of a heading."""

_BLOCK_TAG = re.compile(r"^[ >+*\-\d.)]*</?(?:details|summary)>", re.MULTILINE)
"""A block that begins so ends at an empty line; to nbconvert and marked, also one in containers."""

_ALIGNMENTS = {"text-align:left": ":---", "text-align:right": "---:", "text-align:center": ":---:"}


def write_blocks(tokens: Sequence[Token], context: Context) -> str:
    """Return markdown for the tokens of a text, without a line feed at its end."""
    return "\n\n".join(_BlockWriter(tokens, context).write())


class _BlockWriter:
    """Writes the blocks of a text, from the first token to the last.

    Args:
        tokens: the tokens, see `cellmage.markdown.dialect.parse`.
        context: facts about the page.
    """

    def __init__(self, tokens: Sequence[Token], context: Context) -> None:
        self._tokens = tokens
        self._context = context
        self._index = 0
        self._block_tags = find_block_tags(tokens)

    def write(self) -> list[str]:
        """Return the blocks up to the end of the container that is open."""
        blocks: list[str] = []
        while self._index < len(self._tokens):
            token = self._next()
            if token.nesting < 0:
                break
            blocks += _WRITERS[token.type](self, token)
        return blocks

    def _next(self) -> Token:
        self._index += 1
        return self._tokens[self._index - 1]

    def _next_children(self) -> list[Token]:
        """Return the children of an inline token, and skip the end of its block."""
        children = self._next().children or []
        self._next()
        return children

    def _write_paragraph(self, _: Token) -> list[str]:
        """Return the blocks of a paragraph: more than one if it contains tags of blocks."""
        blocks: list[str] = []
        for piece in split_at_tags(self._next_children(), self._block_tags):
            if isinstance(piece, Token):
                if piece.tag != "p":
                    blocks.append(_THEMATIC_BREAK if piece.tag == "hr" else write_tag(piece))
            elif blocks and blocks[-1] == "<summary>":
                blocks[-1] += write_html(piece)
            else:
                blocks += self._write_segment(piece)
        return _join_tags(blocks)

    def _write_segment(self, tokens: Sequence[Token]) -> list[str]:
        text = write_inline(tokens, self._context).strip(" \t\n")
        lines = "\n".join(line.lstrip(" \t") for line in text.split("\n"))
        return [protect_line_starts(lines)] if lines else []

    def _write_heading(self, token: Token) -> list[str]:
        context = self._context._replace(is_line=True)
        text = write_inline(self._next_children(), context).strip()
        if text.endswith("#"):
            text = text[:-1] + entity("#")
        return [f"{'#' * int(token.tag[1])} {text}".rstrip()]

    def _write_code(self, token: Token) -> list[str]:
        return [write_code(token.info, token.content)]

    def _write_thematic_break(self, _: Token) -> list[str]:
        return [_THEMATIC_BREAK]

    def _write_formula(self, token: Token) -> list[str]:
        if token.info or self._context.is_quote:
            return [f"$${write_tex(token.content, is_line=True)}$${token.info}"]
        return [f"$$\n{write_tex(token.content)}\n$$"]

    def _write_quote(self, _: Token) -> list[str]:
        context, self._context = self._context, self._context._replace(is_quote=True)
        blocks = "\n\n".join(self.write())
        self._context = context
        return ["\n".join(f"> {line}".rstrip(" ") for line in blocks.split("\n"))]

    def _write_list(self, _: Token) -> list[str]:
        is_tight = self._is_tight()
        items = []
        while self._tokens[self._index].type == "list_item_open":
            token = self._next()
            marker = (token.info if token.info.isdigit() else "") + token.markup
            items.append(_write_item(marker, self.write(), is_tight))
        self._next()
        return [("\n" if is_tight else "\n\n").join(items)]

    def _is_tight(self) -> bool:
        """Return whether the list that begins before the next token is tight."""
        level = self._tokens[self._index].level
        for token in self._tokens[self._index :]:
            if token.level < level:
                return True
            if token.type == "paragraph_open" and token.level == level + 1 and not token.hidden:
                return False
        return True

    def _write_table(self, _: Token) -> list[str]:
        context = self._context._replace(is_cell=True, is_line=True)
        rows: list[list[str]] = []
        alignments: list[str] = []
        while (token := self._next()).type != "table_close":
            if token.type == "tr_open":
                rows.append([])
            elif token.type in ("th_open", "td_open"):
                if token.type == "th_open":
                    alignments.append(_ALIGNMENTS.get(str(token.attrs.get("style", "")), "---"))
                rows[-1].append(write_inline(self._next_children(), context).strip())
        head, *body = (f"| {' | '.join(cells)} |" for cells in rows)
        return ["\n".join([head, f"|{'|'.join(alignments)}|", *body])]


_WRITERS: Mapping[str, Callable[[_BlockWriter, Token], list[str]]] = {
    "paragraph_open": _BlockWriter._write_paragraph,
    "heading_open": _BlockWriter._write_heading,
    "fence": _BlockWriter._write_code,
    "code_block": _BlockWriter._write_code,
    "hr": _BlockWriter._write_thematic_break,
    "formula_block": _BlockWriter._write_formula,
    "blockquote_open": _BlockWriter._write_quote,
    "bullet_list_open": _BlockWriter._write_list,
    "ordered_list_open": _BlockWriter._write_list,
    "table_open": _BlockWriter._write_table,
}


def write_code(info: str, code: str) -> str:
    """Return code in a fence that no line of it can end.

    Args:
        info: the info string; its first word is the language.
        code: the code, with or without a line feed at its end.
    """
    content = code.removesuffix("\n")
    longest = max((len(run) for run in re.findall("`{3,}", content)), default=2)
    fence = "`" * (longest + 1)
    info = _INFO.sub("", info).strip()
    if info.lower().startswith("mermaid") and not is_plain_diagram(code):
        info = ""
    return f"{fence}{info}\n{content}\n{fence}" if content else f"{fence}{info}\n{fence}"


def write_definition(label: str, target: Mapping[str, str]) -> str:
    """Return a link definition as a line, which other parts of the page may use, too.

    Args:
        label: its label.
        target: its `href` and its `title`.
    """
    title = f' "{write_title(target["title"])}"' if target.get("title") else ""
    return f"[{label.lower()}]: <{write_destination(target['href'])}>{title}"


def _write_item(marker: str, blocks: Sequence[str], is_tight: bool) -> str:
    is_html = any(map(_BLOCK_TAG.search, blocks))
    text = ("\n" if is_tight and not is_html else "\n\n").join(blocks)
    indent = " " * (len(marker) + 1)
    first, *others = text.split("\n")
    return "\n".join([f"{marker} {first}".rstrip(), *(_indent(line, indent) for line in others)])


def _join_tags(blocks: Sequence[str]) -> list[str]:
    """Return the blocks with a summary in the same block of HTML as its `<details>`."""
    joined: list[str] = []
    for block in blocks:
        if joined and block == "</summary>":
            joined[-1] += block
        elif joined and joined[-1] == "<details>" and block.startswith("<summary>"):
            joined[-1] += f"\n{block}"
        else:
            joined.append(block)
    return joined


def _indent(line: str, indent: str) -> str:
    return indent + line if line else line
