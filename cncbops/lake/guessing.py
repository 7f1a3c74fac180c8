"""Where to cut keys that nobody knows yet, so that a piece is about a page.

The keys of one page tell in which letters the next ones are counted, and how far a page goes: from
`…-03-00-05-…` to `…-03-19-50-…` it is twenty minutes, from `faults/00a4` to `faults/01f3` a hundredth of
all. A guess decides nothing: wherever keys are cut, none is lost; a bad cut costs a call.
"""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits

_ALPHABETS = [
    "".join(sorted(letters))
    for letters in (
        digits,
        digits + "abcdef",
        digits + "ABCDEF",
        digits + ascii_lowercase,
        digits + ascii_uppercase,
        digits + ascii_letters,
    )
]
_FINE = 4
"""Letters from the first that differs in a page on which count: a ten-thousandth of what that one counts."""
_OVERLAP = 0.95
"""Of the distance that a page goes: keys are never spread quite evenly, and a few keys too many cost a call."""


def cuts(keys: Sequence[str]) -> Iterator[str]:
    """Guesses after the last of `keys`, sorted ones of one page, each about a page further; none where no two do."""
    first, last = keys[0], keys[-1]
    differ = common_length(first, last)
    alphabet = _alphabet("".join(key[differ : differ + _FINE] for key in keys[:: len(keys) // 50 + 1]))
    if alphabet is None or differ >= len(last):
        return
    begin = differ - len(list(takewhile(alphabet.__contains__, reversed(last[:differ]))))
    length = differ - begin + _FINE
    start, end = (_number(key[begin:], length, alphabet) for key in (first, last))
    if end == start:
        return
    distance = max((end - start) * _OVERLAP, 1)
    steps = int((len(alphabet) ** length - end - 1) / distance)
    for step in range(1, steps + 1):
        yield last[:begin] + _text(end + int(step * distance), length, alphabet)


def common_length(one: str, other: str) -> int:
    """How many characters two texts have in common, from their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def _alphabet(text: str) -> str | None:
    """The smallest that holds all letters and digits of a text, if it has any and no others than these known ones."""
    letters = {letter for letter in text if letter.isalnum()}
    return next((alphabet for alphabet in _ALPHABETS if letters and letters <= set(alphabet)), None)


def _number(text: str, length: int, alphabet: str) -> int:
    """The number that a text begins with; what comes after its digits is nought."""
    number = 0
    known = "".join(takewhile(alphabet.__contains__, text[:length]))
    for letter in known.ljust(length, alphabet[0]):
        number = number * len(alphabet) + alphabet.index(letter)
    return number


def _text(number: int, length: int, alphabet: str) -> str:
    letters = []
    for _ in range(length):
        number, letter = divmod(number, len(alphabet))
        letters.append(alphabet[letter])
    return "".join(reversed(letters))
