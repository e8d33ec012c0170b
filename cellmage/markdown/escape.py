"""Plain text as markdown: the functions for every value from outside."""

from __future__ import annotations

import html
import re
from urllib.parse import quote

from ..text import strip_control_chars
from .safe import SafeHTML, SafeMarkdown

# Bidirectional controls change the order of the text after them; line separators end a line.
_CONTROL_CHARS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

# Entities have no meaning but their character (CommonMark 6.2), also in a block of HTML, where a
# backslash would be seen. Nor is a backslash enough elsewhere: marked drops those before brackets
# in the text of a link, and JupyterLab looks for formulas and for its own marks ("@@0@@") before
# and after it parses. MathJax looks again, in each text between two tags.
_ENTITIES = {char: f"&#{ord(char)};" for char in "!#&*<=>@[]^_`{|}~"}
_BETWEEN_TAGS = {char: f"<span>&#{ord(char)};</span>" for char in "$\\"}
_ESCAPES = str.maketrans(_ENTITIES | _BETWEEN_TAGS)

# A list or a thematic break at the start; the addresses that GFM and linkify-it turn into links.
_ACTS_IN_CONTEXT = re.compile(r"\A(?:[-+]|\d+[.)])|[.:](?=[^\W\d]|/)")

# In markdown an empty line ends a block of HTML (CommonMark 4.6). MathJax looks at no code, but
# JupyterLab looks for formulas and its own marks before it looks for HTML.
_IN_CODE = {ord(char): f"&#{ord(char)};" for char in "\n$\\@`"}


_SAFE_IN_URL = ":/?&=#%@+,;~"
"""Characters of a URL that are not quoted."""


def escape_markdown(text: str) -> SafeMarkdown:
    r"""Return one line of markdown that shows this text, and nothing else.

    It can be put into markdown and into HTML, but not into code, an address, or an attribute.

    Args:
        text: plain text; its white space is collapsed, and control characters are spaces.

    Example:
        >>> escape_markdown("a_b\n*c* <d>")
        'a&#95;b &#42;c&#42; &#60;d&#62;'
    """
    line = " ".join(_CONTROL_CHARS.sub(" ", text).split()).translate(_ESCAPES)
    return SafeMarkdown(_ACTS_IN_CONTEXT.sub(_last_char_as_entity, line))


def escape_code(text: str) -> SafeHTML:
    """Return the content of ``<code>`` or ``<pre>`` in a block of HTML, on one line.

    Args:
        text: plain text; its white space is kept, and control characters are left out.

    Example:
        >>> escape_code("a < b")
        'a &lt; b'
    """
    return SafeHTML(SafeMarkdown(html.escape(strip_control_chars(text)).translate(_IN_CODE)))


def escape_destination(address: str) -> SafeMarkdown:
    """Return a URL or a path as the destination of a link, between ``<`` and ``>``.

    Example:
        >>> escape_destination("https://x.y/a b?c=<d>")
        'https://x.y/a%20b?c=%3Cd%3E'
        >>> escape_destination("javascript:alert(1)/notes.md")
        'javascript%3Aalert%281%29/notes.md'
    """
    is_url = address.startswith(("http://", "https://"))
    safe = _SAFE_IN_URL if is_url else "/"
    return SafeMarkdown(quote(address, safe=safe, errors="replace"))


def _last_char_as_entity(match: re.Match[str]) -> str:
    return f"{match[0][:-1]}&#{ord(match[0][-1])};"
