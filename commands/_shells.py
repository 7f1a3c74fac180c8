"""How bash, zsh and fish ask what a word may become, and how they are told.

typer's own classes are not enough: its script for bash cuts words at `:` and lets what is found stand for file names,
that for zsh evaluates what is found, so that the name of an object could run a program, that for fish asks twice, and
all load rich. Its protocol is kept: `_CNCBOPS_COMPLETE=complete_SHELL` with the line as far as the cursor in
`_TYPER_COMPLETE_ARGS`. The answer has a line for each suggestion, of fields between tabs; its first field says how the
script is to take it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from typer._click.core import Parameter
from typer._click.shell_completion import (
    CompletionItem,
    ShellComplete,
    _resolve_context,
    _resolve_incomplete,
    add_completion_class,
    split_arg_string,
)

from cncbops.cli import COMPLETING

from ._suggest import FILES, FOLDERS, line_within, suggested
from ._words import visible

PROGRAM = "cncbops"
_LINE, _WORD = "_TYPER_COMPLETE_ARGS", "_CNCBOPS_COMPLETE_WORD"
_CURSOR = "\x1a"


@dataclass
class Found:
    """What the word `typed` may become: values with a few words on each; and `files` or `folders`, if those as well."""

    typed: str
    values: list[tuple[str, str]] = field(default_factory=list)
    files: str = ""


class _Shell(ShellComplete):
    """A shell whose script gives the line as it is typed, and takes whole words."""

    def source_vars(self) -> dict[str, Any]:
        return {"function": self.func_name, "variable": self.complete_var, "program": self.prog_name}

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, and the one that it stands in, as far as it goes."""
        words = split_arg_string(os.environ.get(_LINE, "") + _CURSOR)
        return words[1:-1], words[-1].removesuffix(_CURSOR)

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """As the base class does it, but that values are completed as `_suggest` knows them, and lines within lines."""
        ctx = _resolve_context(self.cli, self.ctx_args, self.prog_name, args)
        if line := line_within(ctx):
            return self.get_completions(line, incomplete)
        asked, incomplete = _resolve_incomplete(ctx, args, incomplete)
        if isinstance(asked, Parameter):
            return suggested(ctx, asked, incomplete)
        return asked.shell_complete(ctx, incomplete)

    def complete(self) -> str:
        args, incomplete = self.get_completion_args()
        found = _found(incomplete, self.get_completions(args, incomplete))
        return "\n".join("\t".join(fields) for fields in self.lines(found))

    def lines(self, found: Found) -> Iterator[tuple[str, ...]]:
        """The answer: `files` or `folders`, then each value with its kind and words."""
        if found.files:
            yield (found.files,)
        for value, words in found.values:
            yield "part" if value.endswith("/") else "word", value, words

    def format_completion(self, item: CompletionItem) -> str:
        return str(item.value)


def _found(typed: str, items: list[CompletionItem]) -> Found:
    found = Found(typed)
    option = typed[: typed.find("=") + 1] if typed.startswith("-") else ""  # of --option=value the value is looked up
    for item in items:
        if item.type in (FILES, FOLDERS):
            found.files = item.type
        elif visible(value := f"{option}{item.value}") == value:  # what could give the terminal orders is left out
            found.values.append((value, visible(" ".join((item.help or "").split()))))
    return found


class Bash(_Shell):
    """Bash is told by `compopt` what to make of the values, and only what comes after what it takes for a word."""

    name = "bash"
    source_template = r"""
%(function)s() {
    local kind value file
    COMPREPLY=()
    while IFS=$'\t' read -r kind value; do
        case $kind in
            option) compopt -o "$value" ;;
            value) COMPREPLY+=("$value") ;;
            files) while IFS= read -r file; do
                [[ -d $file ]] && file+=/
                COMPREPLY+=("$(printf %%q "$file")")
            done < <(compgen -f -- "$2") ;;
        esac
    done < <(
        export %(variable)s=complete_bash _TYPER_COMPLETE_ARGS="${COMP_LINE:0:COMP_POINT}" _CNCBOPS_COMPLETE_WORD="$2"
        "${1/#\~/$HOME}" < /dev/null
    )
} 2> /dev/null

complete -F %(function)s %(program)s
"""

    def lines(self, found: Found) -> Iterator[tuple[str, ...]]:
        """As `:` and `=` part words for bash, a value begins with what it calls the word."""
        word = split_arg_string(os.environ.get(_WORD, "") + _CURSOR)[-1].removesuffix(_CURSOR)
        begin = len(found.typed) - len(word)
        values = [value[begin:] for value, _ in found.values if not _UNQUOTED.intersection(value)]
        yield from (("option", option) for option in _options(values, found.files))
        yield from (("value", value) for value in values)
        if values and found.files and not begin:
            yield ("files",)


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:=@%+,")
_UNQUOTED = frozenset("`$!~\\")
"""What bash leaves as it is where it quotes a file's name, so that a key of an object could run a program."""


def _options(values: list[str], files: str) -> Iterator[str]:
    """Options of `compopt`: `default` and `dirnames` for its own files; with `filenames` it quotes, and shows ends."""
    yield "nosort"
    if not values and files:
        yield "default" if files == "files" else "dirnames"
    if not files and not _PLAIN.issuperset("".join(values)):
        yield "filenames"
    if any(value.endswith("/") for value in values):
        yield "nospace"


class Zsh(_Shell):
    """Zsh takes words with a description each, and quotes them itself."""

    name = "zsh"
    source_template = r"""
#compdef %(program)s

%(function)s() {
    local kind value about files
    local -a whole parts
    while IFS=$'\t' read -r kind value about; do
        value=${${value//\\/\\\\}//:/\\:}${about:+:$about}
        case $kind in
            word) whole+=("$value") ;;
            part) parts+=("$value") ;;
            *) files=$kind ;;
        esac
    done < <(
        export %(variable)s=complete_zsh _TYPER_COMPLETE_ARGS="${words[1,CURRENT]}"
        ${~${(Q)words[1]}} < /dev/null 2> /dev/null
    )
    local ret=1
    (( $#whole )) && _describe -V %(program)s whole && ret=0
    (( $#parts )) && _describe -V %(program)s parts -S '' && ret=0
    [[ $files == files ]] && _files && ret=0
    [[ $files == folders ]] && _files -/ && ret=0
    return ret
}

if [[ $funcstack[1] == _%(program)s ]]; then
    %(function)s "$@"
else
    compdef %(function)s %(program)s
fi
"""


class Fish(_Shell):
    """Fish takes a line for each word, with what is to be said on it after a tab, and quotes words itself."""

    name = "fish"
    source_template = r"""
function %(function)s
    set -l line (commandline -cp | string collect)
    set -l program (string replace -r '^~(?=/)' $HOME -- (commandline -opc)[1])
    for answer in (env %(variable)s=complete_fish _TYPER_COMPLETE_ARGS=$line $program < /dev/null 2> /dev/null)
        set -l fields (string split -m 2 \t -- $answer)
        switch $fields[1]
            case files
                __fish_complete_path (commandline -ct)
            case folders
                __fish_complete_directories (commandline -ct) ''
            case '*'
                printf '%%s\t%%s\n' $fields[2] $fields[3]
        end
    end
end

complete --command %(program)s --no-files --keep-order --arguments '(%(function)s)'
"""


SHELLS: dict[str, type[ShellComplete]] = {each.name: each for each in (Bash, Zsh, Fish)}


def register() -> None:
    """Make this process one that tells a shell, by typer, what a word may become."""
    for name, each in SHELLS.items():
        add_completion_class(each, name)


def script(shell: str) -> str:
    """What a shell has to read to complete `cncbops`."""
    from ._group import root

    return SHELLS[shell](root(), {}, PROGRAM, COMPLETING).source().strip() + "\n"
