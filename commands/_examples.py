"""The examples at the end of a help: what each does, and the line as one would type it.

@app.command(epilog=examples(("What was run", "cncbops runs ls"), ("For a script", "cncbops runs ls -o json")))
"""

import re
import textwrap

WIDTH = 58
"""Of a terminal of 60 columns, which is as narrow as a help is read."""

# A word of a shell's line, as it stands: whatever is quoted belongs to it. An option's value stays beside it.
_WORD = r"(?:[^\s'\"]|'[^']*'|\"[^\"]*\")+"
_UNIT = re.compile(rf"--?[a-z]\S*\s+(?!--?[a-z]){_WORD}|{_WORD}")
_SPACE = "\xa0"  # which is no place to fold at


def examples(*pairs: tuple[str, str]) -> str:
    """The epilog of a command: pairs of what a line does and the line itself, which is folded as a shell reads it.

    The words are a shell's comment, so that what is copied with them does what it says.
    """
    shown = (f"[dim]# {_plain(what)}[/dim]\n{_plain(_folded(line))}" for what, line in pairs)
    return "\n\n".join(["[bold]Examples[/bold]", *shown])


def _folded(line: str) -> str:
    """A command line in lines of at most WIDTH characters, as far as its words are no longer."""
    indent, end = "    ", " \\"
    room = WIDTH - len(end)
    fit = (unit.replace(" ", _SPACE) if len(indent + unit) <= room else unit for unit in _UNIT.findall(line))
    lines = textwrap.wrap(" ".join(fit), room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return f"{end}\n".join(lines).replace(_SPACE, " ")


def _plain(text: str) -> str:
    """Text in which nothing is rich's markup."""
    return text.replace("[", "\\[")
