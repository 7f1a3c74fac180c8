"""JSON texts from outside as people can read them, their values as they are written."""

import re

from ._words import visible

_DEEPEST_INDENT = 40
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL)


def indented(text: str) -> str:
    """A JSON text over many lines, its values as they are written."""
    parts: list[str] = []
    depth, before = 0, ""
    for token in _TOKEN.findall(text):
        opens, closes = token in ("{", "["), token in ("}", "]")
        depth -= closes
        if before == "," or (before in ("{", "[") and not closes) or (closes and before not in ("{", "[")):
            parts.append("\n" + "  " * min(depth, _DEEPEST_INDENT))
        elif before == ":":
            parts.append(" ")
        parts.append(token)
        depth += opens
        before = token
    return "".join(parts)


def visible_lines(text: str) -> str:
    """A text of several lines, with every other control character in it visible."""
    return "\n".join(visible(line.removesuffix("\r")) for line in text.split("\n"))
