"""The shape of an error message: what is left of it once ids, numbers and values are folded away.

Two errors of one cause should have one shape, two causes two. So a quoted name of a field, which tells
`reading 'name'` from `reading 'owner'`, stays; any other quoted text is a value.
"""

import re
from functools import lru_cache

from cncbops.native import hot

LONGEST_MESSAGE = 2_000
LONGEST_SHAPE = 300
_SHAPES_REMEMBERED = 500

# Apostrophes, as in "can't", are no quotes.
_QUOTED = re.compile(r"""(?<!\w)(["'`])((?:\\.|(?!\1)[^\\])*)\1(?!\w)""", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_$][A-Za-z_$.]*")
_NAMING = re.compile(
    r"\b(?:reading|setting|property|properties|attribute|field|parameter|argument|column|variable|module) $"
)
_NAMING_CHARS = 12
_DIGIT_THAT_MAY_MATTER = re.compile(r"[A-Za-z][0-9]|[0-9]x")
"""As it may stay, or be that of 0x."""
_ALL_ZEROS = str.maketrans("123456789", "0" * 9)
_DIGIT = re.compile(r"\d")
# Each with what a text must hold for the pattern to match, which is sooner looked for.
_FOLDS = tuple(
    (needed, re.compile(pattern), placeholder)
    for needed, pattern, placeholder in (
        ("arn:aws", r"(arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:)\d{12}\b", r"\1<account>"),
        ("-", r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "<uuid>"),
        ("-", r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?![\w-])", "<time>"),
        (
            ":",
            r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? \w{2,3} \w{2,3} \d{4} \d\d:\d\d:\d\d(?!\w)"
            r"(?: GMT(?:[+-]\d{4})?(?!\w)(?: \([^()]{1,50}\))?)?",
            "<time>",
        ),
        ("0x", r"\b0x[0-9a-fA-F]+\b", "<hex>"),
        ("", r"\b(?=\d*[a-fA-F])(?=[a-fA-F]*\d)[0-9a-fA-F]{8,}\b", "<hex>"),
        ("", r"\b(?=\d*[A-Za-z])(?=[A-Za-z]*\d)[A-Za-z0-9]{16,}\b", "<id>"),
        ("", r"(?:(?<![\w>-])-)?(?<![A-Za-z])\d+(?:[.,:]\d+)*(?:[eE][+-]?\d+)?|(?<=[A-Za-z])\d{3,}", "<n>"),
    )
)
_WITHOUT_DIGIT = _FOLDS[1:2]
"""Of all these only a UUID may hold no digit."""

_REPEATED = re.compile(r"(<[a-z]+>)(?:[\s,;|]*[,;|\s]\1)+")


@lru_cache(maxsize=_SHAPES_REMEMBERED)
def shape(message: str) -> str:
    """The shape of a message, at most LONGEST_SHAPE characters."""
    return _shape(_alike(message[:LONGEST_MESSAGE]))


def _alike(message: str) -> str:
    """A message of the same shape, nearly always one for all in which only ids and numbers are others."""
    if hot:
        return hot.alike(message)
    return message if _DIGIT_THAT_MAY_MATTER.search(message) else message.translate(_ALL_ZEROS)


@lru_cache(maxsize=_SHAPES_REMEMBERED)
def _shape(message: str) -> str:
    folded = _QUOTED.sub(_fold_quoted, message)
    for needed, pattern, placeholder in _FOLDS if _DIGIT.search(folded) else _WITHOUT_DIGIT:
        if needed in folded:
            folded = pattern.sub(placeholder, folded)
    if folded.count("<") > 1:
        folded = _REPEATED.sub(r"\1", folded)
    return " ".join(folded.split())[:LONGEST_SHAPE]


def _fold_quoted(quoted: re.Match[str]) -> str:
    before = quoted.string[max(0, quoted.start() - _NAMING_CHARS) : quoted.start()]
    is_all = quoted[0] == quoted.string  # as of Python's KeyError
    is_kept = _NAME.fullmatch(quoted[2]) and (is_all or _NAMING.search(before))
    return quoted[0] if is_kept else "<quoted>"
