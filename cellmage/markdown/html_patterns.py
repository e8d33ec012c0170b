"""Patterns of HTML and of autolinks in inline text.

Source: CommonMark 0.31.2, sections 6.5 and 6.6.
"""

from __future__ import annotations

import re

_ATTRIBUTE = r"\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s\"'=<>`]+|'[^']*'|\"[^\"]*\"))?"
HTML = re.compile(
    rf"<(?:[A-Za-z][A-Za-z0-9-]*(?:{_ATTRIBUTE})*\s*/?|/[A-Za-z][A-Za-z0-9-]*\s*)>"
    r"|<!---?>|<!--(?:(?!-->).)*-->|<\?(?:(?!\?>).)*\?>|<![A-Za-z][^>]*>|<!\[CDATA\[.*?\]\]>",
    re.DOTALL,
)
AUTOLINK = re.compile(
    r"<(?:([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*)|([\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+))>"
)
TAG_OPEN = re.compile(
    r"<(?:/?[A-Za-z][A-Za-z0-9]*[ \t\n]*/?|(?:details(?: (?:o(?:p(?:en?)?)?)?)?)?"
    r"|!(?:-(?:-(?:(?!-->).)*)?)?"
    r"|[A-Za-z][A-Za-z0-9+.-]*(?::[^\s<>]*)?|[\w.!#$%&'*+/=?^`{|}~-]+(?:@[\w.-]*)?)\Z",
    re.DOTALL,
)
HTML_OPEN = re.compile(r"<[A-Za-z/!?][^<>*_`~\[\\$&]*(?=[^<>]*\Z)")
HTML_ENDS = {"<!--": "-->", "<![CDATA[": "]]>", "<!": ">", "<?": "?>"}
"""What must follow such a beginning, the longest first."""
