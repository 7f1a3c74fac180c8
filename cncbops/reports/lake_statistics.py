"""What `cncbops lake stats` tells, as data. Keys may be added, none is renamed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import nlargest
from typing import Any

from msgspec import structs

from cncbops.inspection.gaps import Folder, Gaps
from cncbops.inspection.numbering import Numbering
from cncbops.inspection.reading import Counts
from cncbops.inspection.runs import Hole
from cncbops.inspection.statistics import Statistics
from cncbops.reports.summary import by_hour, iso, ranked
from cncbops.tally import HOUR_MS, OTHER_HOURS

MOST_GAPS = 100
"""Of each kind, the longest: there is an end to what anybody reads."""
_HOUR_S = 3_600


def statistics_facts(statistics: Statistics, counts: Counts) -> dict[str, Any]:
    """All that was counted. Texts in it come from the lake, and are not yet fit for a terminal."""
    tally = statistics.tally
    return {
        "objects": structs.asdict(counts.objects),
        "events": {
            "read": counts.read,
            "matched": counts.matched,
            "faults": counts.faults,
            "malformed": counts.malformed,
            "synthesized": tally.events.synthesized,
            "without_time": statistics.without_time,
            "by_type": ranked(tally.by_type),
            "by_source": ranked(statistics.by_source),
            "by_region": ranked(statistics.by_region),
            "by_shard": ranked(statistics.by_shard),
        },
        "by_hour": by_hour(tally.by_hour),
        "first_event": iso(tally.first_ms),
        "last_event": iso(tally.last_ms),
        "rates": _rates(statistics),
        "sizes": _sizes(statistics),
        "partition_keys": _keys(statistics, counts.matched),
        "repeated_ids": _repeats(statistics),
        "gaps": gap_facts(statistics.gaps),
    }


def _rates(statistics: Statistics) -> dict[str, Any]:
    tally, second = statistics.tally, statistics.seconds.found()
    span_s = ((tally.last_ms or 0) - (tally.first_ms or 0)) / 1_000
    mean = tally.events.matched / span_s if span_s else None
    hours = {hour: count for hour, count in tally.by_hour.items() if hour != OTHER_HOURS}
    busiest = max(sorted(hours), key=lambda hour: hours[hour], default=None)
    return {
        "mean_events_per_s": mean and _rounded(mean),
        "mean_events_per_hour": mean and _rounded(mean * _HOUR_S),
        "peak_events_per_s": second[1] if second else None,
        "peak_second": iso(second[0] * 1_000) if second else None,
        "peak_second_is_exact": statistics.seconds.is_exact,
        "peak_events_per_hour": None if busiest is None else hours[busiest],
        "peak_hour": None if busiest is None else iso(busiest * HOUR_MS),
    }


def _rounded(rate: float) -> float:
    """To six digits, however small."""
    return float(f"{rate:.6g}")


def _sizes(statistics: Statistics) -> dict[str, Any]:
    sizes, found, largest = statistics.sizes, statistics.sizes.quantiles(), statistics.largest
    return {
        "sum_bytes": sizes.total,
        "mean_bytes": round(sizes.total / sizes.count, 1) if sizes.count else None,
        "median_bytes": found and found.median,
        "p99_bytes": found and found.p99,
        "rank_error": round(found.rank_error, 6) if found else 0.0,
        "largest_bytes": largest and largest[0],
        "largest_event": largest and {"object": largest[1], "line": largest[2], "part": largest[3]},
    }


def _keys(statistics: Statistics, events: int) -> dict[str, Any]:
    distinct = statistics.keys.distinct()
    return {
        "distinct": distinct.count,
        "distinct_low": distinct.low,
        "distinct_high": distinct.high,
        "hottest": [
            {
                "partition_key": hot.key,
                "events": hot.count,
                "events_low": hot.low,
                "events_high": hot.high,
                "share": round(hot.count / events, 6),
            }
            for hot in statistics.keys.hottest()
        ],
    }


def _repeats(statistics: Statistics) -> dict[str, Any]:
    repeats = statistics.repeats
    ids, again = repeats.counted()
    return {
        "ids": ids,
        "events": again,
        "events_without_id": statistics.without_id,
        "events_looked_at": repeats.ids,
        "is_complete": not repeats.is_disk_full,
        "examples": list(repeats.examples),
    }


def gap_facts(gaps: Gaps) -> dict[str, Any]:
    """What the lake lacks: of each kind how much, and the longest MOST_GAPS."""
    folders = sorted(gaps.folders.items())
    hours = [(prefix, hole) for prefix, folder in folders for hole in folder.hours.holes()]
    silences = [(prefix, *silence) for prefix, folder in folders for silence in folder.silences()]
    missing = [found for prefix, folder in folders for found in _missing_numbers(prefix, folder)]
    return {
        "hours_without_object": sum(hole.missing for _, hole in hours),
        "without_object": _longest(hours, lambda gap: gap[1].missing, _hours),
        "objects_without_hour": gaps.undated,
        "silent_shard_hours": sum(objects for *_, objects in silences),
        "silent_shards": _longest(
            silences, lambda gap: gap[2].missing, lambda gap: {**_hours((gap[0], gap[2])), "shard": gap[1]}
        ),
        "events_with_sequence_number": gaps.numbered,
        "sequences": _longest(missing, lambda sequence: int(sequence["missing"]), lambda sequence: sequence),
        "is_complete": gaps.is_complete,
    }


def _longest(
    found: Iterable[Any], length: Callable[[Any], int], told: Callable[[Any], Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    return [told(each) for each in nlargest(MOST_GAPS, found, key=length)]


def _hours(gap: tuple[str, Hole]) -> dict[str, Any]:
    prefix, hole = gap
    start, end = iso((hole.after + 1) * HOUR_MS), iso(hole.before * HOUR_MS)
    return {"prefix": prefix, "from": start, "to": end, "hours": hole.missing}


def _missing_numbers(prefix: str, folder: Folder) -> Sequence[Mapping[str, Any]]:
    return [
        {
            "prefix": prefix,
            "shard": shard,
            "step": numbering.step,
            "present": numbering.covered,
            "missing": sum(hole.missing for hole in numbering.holes()),
            "runs": _longest(numbering.holes(), lambda hole: int(hole.missing), _run_of(numbering)),
        }
        for shard, numbering in folder.numberings()
    ]


def _run_of(numbering: Numbering) -> Callable[[Hole], Mapping[str, Any]]:
    return lambda hole: {
        "after": str(numbering.number(hole.after)),
        "before": str(numbering.number(hole.before)),
        "missing": hole.missing,
    }
