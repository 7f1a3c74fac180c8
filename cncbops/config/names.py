"""`[stage]` of `cncbops.toml`: where the names of a stage are found, for teams whose stacks are not the book's.

    [stage]
    lake = { stack = "event-lake-{stage}", output = "BucketName" }
    prefix = "{region}/"

The keys are those of `cncbops.book.BOOK`, whose entries they replace; each holds a pattern, or a list of them. A
pattern is a text, or a table of the fields of `Name`. Nothing is replaced in it but `{stage}` and `{region}`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from cncbops.book import BOOK, PLACES, Name
from cncbops.config.checks import as_table, kind, nearest, require_known
from cncbops.config.files import Config
from cncbops.errors import BadInput

_FIELDS = tuple(field.name for field in fields(Name))
_PLACE = re.compile(r"\{[^{}]*\}?|\}")
_FORMS = 'Write a text, { stack = "…", output = "…" }, { stack = "…", resource = "…" } or { stack = "…", text = "…" }'


def names_in(config: Config) -> Mapping[str, Sequence[Name]]:
    """The table of names, with what files replace of it, key by key. Raises BadInput."""
    table = dict(BOOK)
    for file, told in reversed(list(config.sections("stage"))):
        require_known(file.path, "stage", told, BOOK)
        table |= {key: tuple(_names(file.path, f"stage.{key}", value)) for key, value in told.items()}
    return table


def _names(path: Path, where: str, value: object) -> Iterator[Name]:
    for each in value if isinstance(value, list) else [value]:
        yield _name(path, where, each)


def _name(path: Path, where: str, value: object) -> Name:
    told = {"text": value} if isinstance(value, str) else as_table(path, where, value)
    require_known(path, where, told, _FIELDS)
    for field, text in told.items():
        _require_pattern(path, f"{where}.{field}", text)
    name = Name(**told)
    sources = [name.text is not None, bool(name.output), bool(name.resource)]
    if sum(sources) != 1 or not (name.stack or name.text is not None):
        raise BadInput(f"{path}: {where} does not say where the name is found", _FORMS)
    return name


def _require_pattern(path: Path, where: str, text: Any) -> None:
    if not isinstance(text, str):
        raise BadInput(f"{path}: {where} is {kind(text)}", _FORMS)
    for place in _PLACE.findall(text):
        if place not in PLACES:
            raise BadInput(f"{path}: nothing is put in the place of {place} in {where}", nearest(place, PLACES))
