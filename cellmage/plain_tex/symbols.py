"""Commands of TeX that are one character of Unicode, by the kind of the character. Data only.

The kinds are those of TeX: they decide where spaces are. Names are those of LaTeX and amssymb.
"""

from __future__ import annotations

_RELATIONS = """
le ≤ leq ≤ leqslant ⩽ ge ≥ geq ≥ geqslant ⩾ ne ≠ neq ≠ ll ≪ gg ≫ equiv ≡ sim ∼ simeq ≃ approx ≈
cong ≅ propto ∝ asymp ≍ doteq ≐ prec ≺ succ ≻ preceq ⪯ succeq ⪰ lesssim ≲ gtrsim ≳ triangleq ≜
coloneqq ≔ in ∈ ni ∋ notin ∉ subset ⊂ supset ⊃ subseteq ⊆ supseteq ⊇ subsetneq ⊊ supsetneq ⊋
sqsubseteq ⊑ sqsupseteq ⊒ vdash ⊢ dashv ⊣ models ⊨ vDash ⊨ perp ⊥ parallel ∥ nparallel ∦ nmid ∤
to → rightarrow → gets ← leftarrow ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐ Leftrightarrow ⇔
longrightarrow ⟶ longleftarrow ⟵ longleftrightarrow ⟷ Longrightarrow ⟹ Longleftarrow ⟸
Longleftrightarrow ⟺ implies ⟹ impliedby ⟸ iff ⟺ mapsto ↦ longmapsto ⟼ hookrightarrow ↪
hookleftarrow ↩ twoheadrightarrow ↠ rightharpoonup ⇀ rightharpoondown ⇁ rightleftharpoons ⇌
leftrightharpoons ⇋ uparrow ↑ downarrow ↓ updownarrow ↕ Uparrow ⇑ Downarrow ⇓ nearrow ↗ searrow ↘
swarrow ↙ nwarrow ↖ leadsto ⇝ rightsquigarrow ⇝ upharpoonright ↾ restriction ↾ rightrightarrows ⇉
nrightarrow ↛ nleftarrow ↚ nRightarrow ⇏ nsubseteq ⊈ nleq ≰ ngeq ≱ nless ≮ ngtr ≯ mid | lt < gt >
bowtie ⋈ smile ⌣ frown ⌢ vartriangleleft ⊲ trianglelefteq ⊴ therefore ∴ because ∵
"""

_OPERATORS = """
pm ± mp ∓ times × div ÷ cdot · ast ∗ star ⋆ circ ∘ bullet ∙ cap ∩ cup ∪ sqcap ⊓ sqcup ⊔ uplus ⊎
wedge ∧ land ∧ vee ∨ lor ∨ oplus ⊕ ominus ⊖ otimes ⊗ oslash ⊘ odot ⊙ setminus ∖ smallsetminus ∖
dagger † ddagger ‡ wr ≀ amalg ⨿ diamond ⋄ triangleleft ◃ triangleright ▹ ltimes ⋉ rtimes ⋊
boxplus ⊞ boxtimes ⊠ bigtriangleup △ bigtriangledown ▽ centerdot · intercal ⊺ barwedge ⊼ veebar ⊻
"""

_BIG_OPERATORS = """
sum ∑ prod ∏ coprod ∐ int ∫ iint ∬ iiint ∭ oint ∮ oiint ∯ bigcap ⋂ bigcup ⋃ bigsqcup ⨆ bigvee ⋁
bigwedge ⋀ bigoplus ⨁ bigotimes ⨂ bigodot ⨀ biguplus ⨄
"""

_LETTERS = """
alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ
varkappa ϰ lambda λ mu μ nu ν xi ξ omicron ο pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ
upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ
Upsilon Υ Phi Φ Psi Ψ Omega Ω Alpha Α Beta Β Epsilon Ε Zeta Ζ Eta Η Iota Ι Kappa Κ Mu Μ Nu Ν
Omicron Ο Rho Ρ Tau Τ Chi Χ digamma ϝ partial ∂ nabla ∇ infty ∞ hbar ℏ hslash ℏ ell ℓ Re ℜ Im ℑ
wp ℘ aleph ℵ beth ℶ gimel ℷ daleth ℸ imath ı jmath ȷ eth ð forall ∀ exists ∃ nexists ∄ neg ¬
lnot ¬ top ⊤ bot ⊥ emptyset ∅ varnothing ∅ angle ∠ measuredangle ∡ triangle △ square □ Box □
blacksquare ■ lozenge ◊ blacklozenge ⧫ Diamond ◇ clubsuit ♣ diamondsuit ♢ heartsuit ♡ spadesuit ♠
flat ♭ natural ♮ sharp ♯ prime ′ backprime ‵ checkmark ✓ degree ° surd √ dots … ldots … cdots ⋯
dotsc … dotso … dotsb ⋯ dotsm ⋯ dotsi ⋯ vdots ⋮ ddots ⋱ pounds £ yen ¥ euro € S § P ¶ copyright ©
vert | Vert ‖ backslash \\ aa å AA Å ae æ AE Æ o ø O Ø ss ß complement ∁ mho ℧ Bbbk 𝕜 bigstar ★
lbrack [ rbrack ] qed ∎ QED ∎ blacktriangle ▲ maltese ✠ textdegree ° mathellipsis …
"""

_OPENING = "langle ⟨ lfloor ⌊ lceil ⌈ lbrace { lvert | lVert ‖ llbracket ⟦ lgroup ⟮ ulcorner ⌜"

_CLOSING = "rangle ⟩ rfloor ⌋ rceil ⌉ rbrace } rvert | rVert ‖ rrbracket ⟧ rgroup ⟯ urcorner ⌝"


def _pairs(text: str) -> dict[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


SYMBOLS: dict[str, tuple[str, str]] = {
    name: (kind, char)
    for kind, text in (
        ("rel", _RELATIONS),
        ("bin", _OPERATORS),
        ("big", _BIG_OPERATORS),
        ("ord", _LETTERS),
        ("open", _OPENING),
        ("close", _CLOSING),
        ("punct", "colon :"),
    )
    for name, char in _pairs(text).items()
}
"""The kind and the character of a command, by its name."""

KINDS: dict[str, str] = {
    **{char: kind for kind, char in SYMBOLS.values() if kind in ("rel", "bin", "big")},
    **dict.fromkeys("=<>:", "rel"),
    **dict.fromkeys("+-*−", "bin"),
    **dict.fromkeys("([⟨⌊⌈", "open"),
    **dict.fromkeys(")]!?⟩⌋⌉", "close"),
    **dict.fromkeys(",;", "punct"),
    "|": "ord",
}
"""The kind of a character that is written as itself; all others are `ord`."""

FUNCTIONS = frozenset(
    [
        "arccos",
        "arcsin",
        "arctan",
        "arg",
        "cos",
        "cosh",
        "cot",
        "coth",
        "csc",
        "deg",
        "det",
        "dim",
        "exp",
        "gcd",
        "hom",
        "inf",
        "injlim",
        "ker",
        "lg",
        "lim",
        "liminf",
        "limsup",
        "ln",
        "log",
        "max",
        "min",
        "Pr",
        "projlim",
        "sec",
        "sin",
        "sinh",
        "sup",
        "tan",
        "tanh",
        "argmax",
        "argmin",
    ]
)
"""Commands that are the name of a function."""

ACCENTS: dict[str, str] = {
    "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303",
    "bar": "\u0304", "overline": "\u0305", "breve": "\u0306", "dot": "\u0307", "ddot": "\u0308",
    "dddot": "\u20db", "mathring": "\u030a", "check": "\u030c", "acute": "\u0301",
    "grave": "\u0300", "vec": "\u20d7", "overrightarrow": "\u20d7", "underline": "\u0332",
    "underbar": "\u0332",
}  # fmt: skip
"""Combining characters by the commands that set an accent on one letter."""

ALPHABETS: dict[str, tuple[str, ...]] = {
    "mathbb": ("DOUBLE-STRUCK",), "Bbb": ("DOUBLE-STRUCK",),
    "mathcal": ("SCRIPT",), "mathscr": ("SCRIPT",), "cal": ("SCRIPT",),
    "mathfrak": ("FRAKTUR", "BLACK-LETTER"), "mathbf": ("BOLD",), "boldsymbol": ("BOLD",),
    "bm": ("BOLD",), "pmb": ("BOLD",),
}  # fmt: skip
"""The words for an alphabet in the names of its characters, by command."""

UPRIGHT = frozenset({"mathrm", "mathit", "mathsf", "mathtt", "mathnormal", "mathop", "mathord"})
"""Commands for a typeface that letters in a terminal have anyway."""

TEXT_COMMANDS = frozenset(
    {"text", "textrm", "textnormal", "textbf", "textit", "texttt", "textsf", "mbox", "hbox",
     "textup", "intertext", "textsc"}
)  # fmt: skip
"""Commands whose argument is text."""

IGNORED = frozenset(
    {"big", "Big", "bigg", "Bigg", "bigl", "Bigl", "biggl", "Biggl", "bigr", "Bigr", "biggr",
     "Biggr", "bigm", "Bigm", "displaystyle", "textstyle", "scriptstyle",
     "nonumber", "notag", "rm", "strut", "mathstrut", "allowbreak", "relax", "hfill", "nobreak"}
)  # fmt: skip
"""Commands about size and place, which a terminal does not have."""

SPACES: dict[str, int] = {
    ",": 1, ":": 1, ";": 1, ">": 1, " ": 1, "\n": 1, "!": 0, "quad": 2, "qquad": 4, "enspace": 1,
    "thinspace": 1, "space": 1, "/": 0, "medspace": 1, "thickspace": 1, "negthinspace": 0,
}  # fmt: skip
"""Spaces by command, in characters."""

VULGAR: dict[tuple[str, str], str] = {
    ("1", "2"): "½", ("1", "3"): "⅓", ("2", "3"): "⅔", ("1", "4"): "¼", ("3", "4"): "¾",
    ("1", "5"): "⅕", ("2", "5"): "⅖", ("3", "5"): "⅗", ("4", "5"): "⅘", ("1", "6"): "⅙",
    ("5", "6"): "⅚", ("1", "7"): "⅐", ("1", "8"): "⅛", ("3", "8"): "⅜", ("5", "8"): "⅝",
    ("7", "8"): "⅞", ("1", "9"): "⅑", ("1", "10"): "⅒",
}  # fmt: skip
"""Fractions that are one character."""
