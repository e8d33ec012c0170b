"""Random markdown that parsers disagree about."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
CORPUS = [
    case["source"] for case in json.loads((DATA / "sanitizer_bypasses.json").read_text())["cases"]
]
CORPUS += [
    case["markdown"]
    for case in json.loads((DATA / "output_injection.json").read_text())["cases"]
    if case["category"] != "dos"
]
FOUND = [
    # A mark of direction in a command of TeX: without it, the halves are the command.
    "<details>\n<summary>$\\h\u202eref{javascript:x}{y}$</summary>\n\nx\n\n</details>",
    # An address in the text of a link: to parsers it is the link, and the title is text.
    '[<https://x.y/z>](https://x.y "\\begin{align}\\href{x}{y}\\end{align}")',
    # In a tight list, no empty line ends the block of HTML at the end of a container.
    "- > <details>\n  > <summary>a</summary>\n  > \n  <https://x.y>\n  > </details>",
    "- - a\n    <summary>s</summary>\n  | <https://x.y/z> |\n  |-|",
    # GitHub's parser removes a byte order mark: the tag behind it then begins a block of HTML.
    "\ufeff<br>\n**\n<#)}`````)<style>``",
    "a \\(-\\)$b$ c\n\n| `$$![a](https://x.y/z)` | $\\href{x}{y}$ |\n|-|-|",
    # nbconvert looks for the end of a formula in later blocks, also of one that begins in code.
    "Use `$$`.\n\n```\n$$\n<b onclick=x>$\\href{javascript:x}{y}$\n$$\n```",
    "Use `\\begin{align}`.\n\n```\n<b onclick=x>\n\\end{align}\n```",
    # An unpaired bracket in a formula ends the text of a link where no formula is seen.
    "[\"\\(](\\)\"](https://x.y \"\\begin{align}[\\href{x}{y}](https://x.y)\\end{align}\")",
    # To VS Code a line that begins with a formula, and goes on, is a block up to the next dollars.
    "- a\n  $$= $$<style>$$$$\n\n- ```mermaid\n  graph TD\n    <code><b onclick=x></code>\n  ```",
    "+ 2) ```1\"'__\n\n",
    "a __mailto:a@b.cgraph TD",
    "[a](h\\ttps://x.y/z)",
    # A bare URL takes what follows it, dollars and backticks too, into the text of a link.
    "$$https://x.y/z$$``\\href{x}{y}``\n\\begin{align}$$![b](https://x.y/z)$$\\end{align}`\\href{x}{y}`$$",
    # MathJax reads the text of a finished page: entities hide nothing from it.
    "<details>\n<summary>$\\href{javascript:x}{y}$\\\nz~~</summary>\n\nx\n\n</details>",
    # marked takes the backslash before the mark for an escape, mistune ends strikethrough in code.
    "**`**[a](javascript:x)\\`**", "~~`~~<b onclick=x>`~~", "$a~~b$ `~~<b onclick=x>`",
    # A summary is a block of HTML, which ends at an empty line.
    "- <summary></summary>`<b onclick=x> $\\href{javascript:x}{y}$`",
    "$\\mmlToken{mi}[href=javascript:x]{y}$", "$\\bbox[background:url(//x.y)]{z}$",
]  # fmt: skip
"""Texts that acted once."""

CORPUS += FOUND

ACTS = [
    "<img src=x onerror=y>", "<script>x</script>", "<b onclick=x>", "<b>", "</b>", "<!--x-->",
    "<!--", "-->", "<a href=javascript:x>", "[a](javascript:x)", "![a](https://x.y/z)", "[a][k]",
    "![a][k]",
    "<https://x.y>", "<javascript:x>", "https://x.y", "www.x.y", "a@b.c", "data:x", "<details>",
    "</details>", "<summary>s</summary>", "<style>", "<svg onload=x>", "<?x", "<![CDATA[", "<!X",
    "$\\href{javascript:x}{y}$", "\\(\\style{x}{y}\\)", "\\href{x}{y}", "<br>", "<sub>", "</sub>",
]  # fmt: skip
MARKS = [
    "`", "``", "```", "~~~", "*", "**", "_", "~~", "[", "]", "(", ")", "![", "](", "<", ">", "\\",
    "\\[", "\\]", "\\(", "\\)", "$", "$$", "\\begin{a}", "\\end{a}", "|", "&lt;", "&#60;", "&amp;",
    "&", "@@0@@", '"', "'", "{", "}", "!", ":", "#", "=", "-", "\x00", "\x0b", "\x0c", "\u2028",
    "\u202e", "\ufeff", "字", "😀", "\t", " ", "  ", "x", "word ", "1",
]  # fmt: skip
PREFIXES = [
    "", "", "", "> ", ">", "- ", "* ", "+ ", "1. ", "2) ", "  ", "   ", "    ", "\t", ">\t", "-\t",
    "> - ", "- > ", "- - ", "> > ", "      ", "# ", "| ", ": ",
]  # fmt: skip
LINES = [
    "```", "```py", "~~~", "````", "```mermaid", "graph TD", "A --> B", "$$", "\\[", "\\]",
    "\\begin{a}", "\\end{a}", "|a|b|", "|-|-|", "---", "===", "***", "[k]: https://x.y '", "[k]:",
    "[k]: javascript:x", "[j]: <x> \"t\"", "<div>", "</div>", "<pre>", "</pre>", "term",
    ": def", "", "", "",
    "<details>", "</details>", "- [ ] a", "[^1]: a", "%%{init: {}}%%", "click A href",
]  # fmt: skip
# Nothing here is special alone: most texts of these are published as they are.
ORDINARY = [
    "`", "`", "``", "```", "````", "*", "**", "_", "__", "[", "]", "(", ")", "!", "|", "|-|-|",
    "# ", "> ", ">", "- ", "+ ", "1. ", "2) ", ": ", "=", "---", "===", '"', "'", "{", "}", "@",
    "\n", "\n", "\n\n", "\n  ", "\n   ", "\n> ", "\n- ", "\n1. ", "\n```", "\n```\n", "\n````\n",
    " ", "  ", "x", "word ", "1", "javascript:x", "data:x", "a@b.c", "mailto:", "ftp.x.y", "x.y/z",
    '" onmouseover="x', "//x.y", "\xa0", "\u200b", "\ufeff", "\x00", "py", "é", "[^1]", "[ ] ",
    "term\n: d", "mermaid", "markdown", "graph TD",
]  # fmt: skip


WRAPPERS = [
    "*{}*", "**{}**", "_{}_", "***{}***", "~~{}~~", "~{}~", "`{}`", "``{}``", "` {} `", "[{}](https://x.y)",
    '[{}](https://x.y "{}")', "[{}](<https://x.y/{}>)", "[{}][k]", "[{}]", "![{}](https://x.y/z)",
    "<b>{}</b>", "<sub>{}</sub>", "<code>{}</code>", "<details><summary>{}</summary>{}</details>",
    "<!--{}-->", "${}$", "$${}$$", "\\({}\\)", "\\[{}\\]", "\\begin{{align}}{}\\end{{align}}",
    "{}{}", "{} {}", "{}\n{}", "字{}字", "<https://x.y/{}>", "https://x.y/{}", "({})", '"{}"',
    "\\{}",
    "{}  \n{}", "{}\\\n{}", "|{}|", "\xa0{}\u3000",
]  # fmt: skip
"""Inline markdown around inline markdown."""

BLOCKS = [
    "{}", "{}\n\n{}", "# {}", "{}\n===", "| {} | {} |\n|-|:-:|\n| {} | {} |",
    "[k]: https://x.y '{}'",
    "[k]: <https://x.y/{}> \"{}\"", "```\n{}\n```", "```{}\n{}\n```", "~~~\n{}\n~~~",
    "````markdown\n{}\n````", "```mermaid\ngraph TD\n  {}\n```", "$$\n{}\n$$", "\\[\n{}\n\\]",
    "\\begin{{align}}\n{}\n\\end{{align}}", "<details>\n<summary>{}</summary>\n\n{}\n\n</details>",
    "{}\n: {}", "<div>\n{}\n</div>", "<!--\n{}\n-->", "    {}", "[^1]: {}",
]  # fmt: skip
"""Blocks of inline markdown."""

CONTAINERS = ["> ", "- ", "1. ", "  ", "   ", "    ", "* [ ] ", ">", "10) "]


def texts(seed: int) -> Iterator[str]:
    """Yield texts without end; the same seed gives the same texts."""
    rng = random.Random(seed)
    makers = [line_soup, line_soup, char_soup, ordinary, structure, structure, mutation, splice]
    while True:
        yield rng.choice(makers)(rng)


def inline(rng: random.Random) -> str:
    pieces = rng.choices([ACTS, MARKS], [1, 3], k=rng.randint(1, 7))
    return "".join(rng.choice(kind) for kind in pieces)


def line_soup(rng: random.Random) -> str:
    lines = []
    for _ in range(rng.randint(2, 12)):
        content = rng.choice(LINES) if rng.random() < 0.5 else inline(rng)
        lines.append(rng.choice(PREFIXES) + content)
    return rng.choice(["\n", "\n", "\n", "\r\n", "\r"]).join(lines)


def char_soup(rng: random.Random) -> str:
    kinds = rng.choices([MARKS, ["\n", "\n\n", "\n    ", "\n> ", "\n- "], ACTS], [6, 2, 1], k=25)
    return "".join(rng.choice(kind) for kind in kinds)


def nest(rng: random.Random, depth: int) -> str:
    """Return inline markdown in inline markdown."""
    if not depth or rng.random() < 0.2:
        return rng.choice(rng.choice([ACTS, MARKS]))
    wrapper = rng.choice(WRAPPERS)
    pieces = [nest(rng, depth - 1) for _ in range(wrapper.count("{}"))]
    return wrapper.format(*pieces)


def structure(rng: random.Random) -> str:
    """Return well-formed blocks in containers; some lines are lazy or indented otherwise."""
    blocks = []
    for _ in range(rng.randint(1, 3)):
        block = rng.choice(BLOCKS)
        text = block.format(*(nest(rng, rng.randint(1, 4)) for _ in range(block.count("{}"))))
        for _ in range(rng.randint(0, 2)):
            marker = rng.choice(CONTAINERS)
            indent = marker if ">" in marker else " " * len(marker)
            first, *others = text.split("\n")
            lines = [(indent if rng.random() < 0.9 else "") + line for line in others]
            text = "\n".join([marker + first, *lines])
        blocks.append(text)
    return rng.choice(["\n", "\n\n"]).join(blocks)


def ordinary(rng: random.Random) -> str:
    return "".join(rng.choices(ORDINARY, k=rng.randint(3, 22)))


def mutation(rng: random.Random) -> str:
    text = rng.choice(CORPUS)
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(text) + 1)
        cut = rng.randint(0, 3) if rng.random() < 0.5 else 0
        piece = rng.choice([*MARKS, *ACTS, "\n", *(f"\n{prefix}" for prefix in PREFIXES)])
        text = text[:at] + (piece if rng.random() < 0.7 else "") + text[at + cut :]
    return text


def splice(rng: random.Random) -> str:
    parts = [rng.choice(CORPUS) for _ in range(rng.randint(2, 3))]
    cut = [part[rng.randrange(len(part) + 1) :] if rng.random() < 0.5 else part for part in parts]
    return rng.choice(["", "\n", "\n\n", "\n> ", "\n- ", "\n  "]).join(cut)
