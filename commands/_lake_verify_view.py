"""A comparison of a lake with its copy as text: the same data that `-o json` prints."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cncbops.inspection.verifying import Counts

from ._words import number, size, span, visible

_KINDS = {
    "missing": "missing",
    "not_yet_replicated": "not yet replicated",
    "different": "different",
    "not_comparable": "not comparable",
    "extra": "extra",
}
_STYLES = {
    "missing": "bold red",
    "not_yet_replicated": "yellow",
    "different": "bold red",
    "not_comparable": "magenta",
    "extra": "yellow",
}
_WHY = {
    "replication_failed": "replication failed",
    "replicated_and_gone": "was replicated, is gone",
    "not_replicated": "no replication status",
    "not_in_copy": "not in the copy",
    "not_known": "status not readable",
    "pending": "replication pending",
    "new_version_pending": "new version pending",
    "young": "younger than the lag",
    "size": "other size",
    "content": "other content",
    "no_common_checksum": "no common checksum",
    "archived": "in the archive",
    "unreadable": "not readable",
    "not_in_lake": "not in the lake",
}
_PLAIN = ("not_in_copy", "not_in_lake")
"""Reasons that say no more than their kind does."""
_STEPS = {
    "replication_failed": (
        "S3 does not retry what failed: mend its role or the permissions on keys and bucket, then use Batch Replication"
    ),
    "not_known": "Why they are missing is told only to who may s3:GetObject in the lake",
    "pending": "--lag 15m allows what is younger to lack its copy: S3 replicates most objects within that time",
    "no_common_checksum": "--deep reads both to tell: the ETag of a multipart upload, or under KMS, is no MD5",
}
"""What to do next where something is so for this reason."""
_WIDTHS = max(map(len, _KINDS.values())), max(map(len, _WHY.values()))


def compared(counts: Counts) -> str:
    """What has been compared so far, in a line."""
    found = (f"{count.objects:,} {_KINDS.get(kind, kind)}" for kind, count in counts.of.items() if count.objects)
    return "  ".join([f"{counts.listed.lake:,} listed", *found])


def show_difference(console: Console, facts: Mapping[str, Any]) -> None:
    """Print one difference: kind, reason, time, size and key; on a terminal in two rows, elsewhere in a line."""
    kind_width, why_width = _WIDTHS
    found = facts["lake"] or facts["recovery"]
    kind, key = _KINDS[facts["kind"]].ljust(kind_width), visible(facts["key"])
    here, there = _sizes(facts, found["size"])
    about = f"{_WHY[facts['why']]:<{why_width}}  {found['last_modified'][:19]}Z  {here:>11}"
    if not console.file.isatty():
        sys.stdout.write(f"{kind}  {about}  {key}{there}\n")  # rich would end the process where nobody reads on
        return
    console.print(Text(kind, style=_STYLES[facts["kind"]]).append(f"  {about}{there}", "not bold default"))
    console.print(Text(f"    {key}", style="dim"), soft_wrap=True)


def _sizes(facts: Mapping[str, Any], here: int) -> tuple[str, str]:
    """An object's size, and that of its copy where it differs: to the byte where they would look alike."""
    if facts["why"] != "size":
        return size(here), ""
    there = facts["recovery"]["size"]
    told = size if size(here) != size(there) else lambda count: number(count, "byte")
    return told(here), f"  (there {told(there)})"


def show_examples(console: Console, facts: Mapping[str, Any], examples: Sequence[Mapping[str, Any]]) -> None:
    """Print the first differences of each kind."""
    for kind in _KINDS:
        shown = [each for each in examples if each["kind"] == kind]
        for each in shown:
            show_difference(console, each)
        left = facts[kind]["objects"] - len(shown)
        if shown and left:
            console.print(Text(f"and {left:,} more: --all lists them", style="dim"))
    if examples:
        console.print()


def show_table(console: Console, facts: Mapping[str, Any]) -> None:
    """Print how many are the same, and how many of each kind are not."""
    listed = facts["listed"]
    for side in ("lake", "recovery"):
        told = f"{side:<8}  {visible(facts[side])}  {number(listed[side], 'object')}"
        console.print(Text(told), soft_wrap=True)
    table = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "right"):
        table.add_column(justify=justify, no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("", Text("objects", "bold"), Text("size", "bold"), "")
    for kind in ("same", *_KINDS):
        count = facts[kind]
        style = _STYLES.get(kind, "green") if count["objects"] else "dim"
        cells = (
            _KINDS.get(kind, kind),
            f"{count['objects']:,}",
            size(count["bytes"]),
            _reasons(count, facts["lag_s"]),
        )
        table.add_row(*(Text(cell, style=style) for cell in cells))
    console.print()
    console.print(table)


def _reasons(count: Mapping[str, Any], lag_s: float) -> str:
    found = {why: number_of for why, number_of in count.get("why", {}).items() if why not in _PLAIN}
    reasons = [f"{number_of:,} {_WHY[why]}" for why, number_of in found.items()]
    if count.get("late") and lag_s:
        reasons.append(f"{count['late']:,} older than the lag")
    if count.get("oldest_s") is not None:
        reasons.append(f"the oldest for {span(count['oldest_s']).removeprefix('about ')}")
    return ", ".join(reasons)


_OUTCOMES = {
    "same": ("the copy holds what the lake holds", "green"),
    "different": ("the copy is not what the lake is", "bold red"),
    "nothing": (
        "nothing is compared: neither has an object there. Check buckets, prefixes, --from and --to",
        "bold red",
    ),
}


def show_outcome(console: Console, facts: Mapping[str, Any]) -> None:
    """Print what that means, and what to do next."""
    told, style = _OUTCOMES[facts["status"]]
    console.print(Text(told, style=style))
    met = {why for kind in _KINDS for why in facts[kind]["why"]} - ({"pending"} if facts["lag_s"] else set())
    for why, step in _STEPS.items():
        if why in met:
            console.print(Text(step))
