"""A comparison of a lake with its copy as text: the same data that `-o json` prints."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from cncbops.inspection.verifying import Counts

from ._flow import say
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
    """Print one difference: kind, reason, time, size and key; on a terminal in rows, elsewhere in a line."""
    kind_width, why_width = _WIDTHS
    found = facts["lake"] or facts["recovery"]
    kind, key = _KINDS[facts["kind"]].ljust(kind_width), visible(facts["key"])
    here, there = _sizes(facts, found["size"])
    why, about = _WHY[facts["why"]], f"{found['last_modified'][:19]}Z  {here:>11}"
    if not console.file.isatty():
        # rich would end the process where nobody reads on
        sys.stdout.write(f"{kind}  {why:<{why_width}}  {about}  {key}{there}\n")
        return
    row = Text().append(kind, _STYLES[facts["kind"]]).append(f"  {why:<{why_width}}")
    _print_fitting(console, row, [f"{about}{there}"])
    console.print(Text(f"    {key}", style="dim"), soft_wrap=True)


def _print_fitting(console: Console, row: Text, more: Sequence[str]) -> None:
    """Print a row with what is told beside it; where the screen is too narrow, that stands below, a line each."""
    beside = "  ".join(["", ", ".join(more)]) if more else ""
    fits = row.cell_len + cell_len(beside) <= console.width
    say(console, row.append(beside) if fits else row)
    for each in () if fits else more:
        say(console, Text(f"    {each}", row.style))


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
        say(console, told)
    console.print()
    rows = {"": ("objects", "size"), **{kind: _counted(facts[kind]) for kind in ("same", *_KINDS)}}
    objects, sizes = (max(map(len, column)) for column in zip(*rows.values(), strict=True))
    for kind, (count, total) in rows.items():
        style = _STYLES.get(kind, "green") if kind and facts[kind]["objects"] else "dim" if kind else "bold"
        row = Text(f"{_KINDS.get(kind, kind):<{_WIDTHS[0]}}  {count:>{objects}}  {total:>{sizes}}", style)
        _print_fitting(console, row, _reasons(facts[kind], facts["lag_s"]) if kind else [])


def _counted(count: Mapping[str, Any]) -> tuple[str, str]:
    return f"{count['objects']:,}", size(count["bytes"])


def _reasons(count: Mapping[str, Any], lag_s: float) -> Sequence[str]:
    found = {why: number_of for why, number_of in count.get("why", {}).items() if why not in _PLAIN}
    reasons = [f"{number_of:,} {_WHY[why]}" for why, number_of in found.items()]
    if count.get("late") and lag_s:
        reasons.append(f"{count['late']:,} older than the lag")
    if count.get("oldest_s") is not None:
        reasons.append(f"the oldest for {span(count['oldest_s']).removeprefix('about ')}")
    return reasons


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
