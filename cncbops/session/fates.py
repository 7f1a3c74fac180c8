"""What becomes of faults, counted and noted: once it is known which of them the session came to before."""

from collections.abc import Sequence

from cncbops.faults.grouping import Groups
from cncbops.faults.identity import names_of
from cncbops.faults.record import records_of
from cncbops.faults.unit import Unit
from cncbops.session.candidates import NO_RECORD, Candidate, Delivered, Flawed, Known, Met, Reading, Refused
from cncbops.session.findings import Findings
from cncbops.session.usual_units import UsualUnits
from cncbops.tally import Failure


def settle_usual(found: UsualUnits, repeated: Sequence[int], findings: Findings) -> Sequence[Unit]:
    """The same of faults that are all sent, but for those that were met before."""
    kept = found.without(repeated)
    findings.tally.faults.repeated += len(repeated)
    if not kept.found:
        return []
    sums = kept.sums
    findings.tally.count_summed(len(kept.found), sums.types, sums.hours, sums.range_ms)
    entry = found.reading.entry
    entry.matched += len(kept.found)
    findings.touch(entry)
    groups = findings.groups = findings.groups or Groups(most=None)
    for each in sums.causes:
        place = f"{entry.object.uri}:{each.line}"
        groups.add_some(each.cause.group, each.first, place, each.faults, (each.first_ms, each.last_ms))
        share = findings.tally.share_of(each.cause.function)
        share.matched += each.faults
        share.records += each.faults
        share.newest_ms = max(share.newest_ms or 0, each.last_ms)
    return kept.found


def settle(candidates: Sequence[Candidate], repeated: Sequence[int], findings: Findings) -> tuple[list[Unit], int]:
    """The units that are to be sent of candidates, without those with the indices in `repeated`.

    And how many faults are chosen by that, as some are that cannot be sent.
    """
    dropped, faults = set(repeated), findings.tally.faults
    units: list[Unit] = []
    chosen: list[Met] = []
    for index, (met, what, is_sent_again) in enumerate(candidates):
        if what is Known.SETTLED:
            continue
        if index in dropped:
            faults.repeated += 1
            continue
        faults.sent_again += is_sent_again
        if isinstance(what, Unit):
            units.append(what)
            chosen.append(met)
        elif isinstance(what, Refused):
            chosen.append(met)
            _fail(met, what, findings)
        else:
            _leave(met, what, findings)
    _count(chosen, units, findings)
    if findings.failures:  # those of lines that hold no fault are noted as they are read
        findings.failures.sort(key=_lake_order)
    return units, len(chosen)


def _count(chosen: Sequence[Met], units: Sequence[Unit], findings: Findings) -> None:
    tally = findings.tally
    tally.count_sent([met.fault.event_type for met in chosen], [met.moment_ms for met in chosen])
    groups = findings.groups = findings.groups or Groups(most=None)
    for met in chosen:
        groups.add(met.fault, met.where)
        share, entry = tally.share_of(met.found.name), met.reading.entry
        share.matched += 1
        if share.newest_ms is None or met.moment_ms > share.newest_ms:
            share.newest_ms = max(0, met.moment_ms)
        entry.matched += 1
        findings.touch(entry)
    for unit in units:
        tally.share_of(unit.function).records += unit.weight


def malformed(
    reading: Reading, line: int, part: int, fault_id: str | None, why: tuple[str, str], findings: Findings
) -> None:
    """Take down what of an object can never be sent as it is, and why."""
    entry = reading.entry
    findings.tally.events.malformed += 1
    reading.malformed += 1
    entry.malformed = max(entry.malformed, reading.malformed)
    entry.remains = True
    findings.note(entry, [Failure(entry.object.uri, line, part, fault_id, None, "malformed", *why)])
    findings.touch(entry)


def _fail(met: Met, why: Refused, findings: Findings) -> None:
    """Take a fault down that cannot be sent as things are: it failed, and may be redriven."""
    entry = met.reading.entry
    findings.fail(entry, 1)
    findings.tally.events.failed += 1
    findings.tally.share_of(met.found.name).failed += 1
    names = names_of(met.fault, records_of(met.fault.unit))
    findings.note(entry, [Failure(entry.object.uri, met.line, met.part, *names, "failed", *why)])


def sent_before(delivered: Delivered, findings: Findings) -> None:
    """Count a fault that its function had before; the failure for which a redrive reads it came right by that."""
    findings.tally.faults.sent_before += not delivered.is_own
    reading = delivered.met.reading
    if reading.item.lines is not None:
        findings.mended.append((reading.entry.number, delivered.met.line, delivered.met.part))


def _leave(met: Met, what: Flawed | Known, findings: Findings) -> None:
    """Count a fault of which nothing is sent."""
    faults = findings.tally.faults
    if isinstance(what, Flawed):
        faults.without_record += what.error == NO_RECORD
        faults.not_whole += what.error != NO_RECORD
        malformed(met.reading, met.line, met.part, met.fault.id, what, findings)
    elif what is Known.SENT_FOR_ANOTHER:
        sent_before(Delivered(met, is_own=False), findings)
    else:
        faults.came_back += 1
        findings.came_back = findings.came_back or Groups(most=None)
        findings.came_back.add(met.fault, met.where)
        met.reading.entry.remains = True
        findings.touch(met.reading.entry)


def _lake_order(noted: tuple[int, Failure]) -> tuple[int, float, int]:
    """What could not be read of an object, line 0, comes behind what could."""
    number, failure = noted
    return number, failure.line or float("inf"), failure.part
