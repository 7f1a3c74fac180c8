"""Digests that are made in C are those of hashlib, whichever library makes them."""

import ctypes
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cncbops.faults.identity import parted
from tests.faults import fault_texts as texts
from tests.faults import usual_texts
from tests.native.test_units import hot, in_c, in_python

USUAL = st.text(
    st.characters(blacklist_characters='"\\[', min_codepoint=0x20, blacklist_categories=["Cs"]), min_size=1
).filter(lambda text: "COMPRESSED" not in text)
BOUNDARIES = range(1, 200)
"""Lengths of what is hashed that end before, at and behind the ends of SHA-256's blocks."""


def fault(data: str, record_id: str = "shardId-1:2", message: str = "m", fault_id: str | None = None) -> bytes:
    """One of no id is told from others by all of its record."""
    record = usual_texts.RECORD.replace(b"eyJ0eXBlIjoidCJ9", data.encode())
    record = record.replace(b"shardId-000000000000:1", record_id.encode())
    line = texts.cookbook(record).replace(b'"message":"m"', b'"message":"%b"' % message.encode())
    return line if fault_id is None else line.replace(b"{", b'{"id":"%b",' % fault_id.encode(), 1)


@given(st.lists(st.builds(fault, USUAL, USUAL, USUAL, st.none() | USUAL), max_size=4))
@example([fault("d" * length) for length in BOUNDARIES])
@example([fault("d" * 90_000)])
def test_faults_and_records_are_told_apart_as_by_python(lines: list[bytes]) -> None:
    units = in_python(lines)
    faults, records = hot.unit_digests(in_c(lines))
    assert faults == b"".join(unit.fault for unit in units)
    assert records == b"".join(unit.records[0] for unit in units)


def test_streams_of_one_cause_are_told_apart() -> None:
    streams = [fault("d").replace(b'"arn"', b'"arn:%d"' % (number % 3)) for number in range(7)]
    _, records = hot.unit_digests(in_c(streams))
    assert records == b"".join(unit.records[0] for unit in in_python(streams))
    assert len(set(parted(records))) == 3


def apart(lines: Sequence[bytes], first: str) -> list[str]:
    """The digests of units that are read in another process, which does something else first."""
    program = (  # the folder of sources comes last: the part in C is where the package is installed
        f"import sys; sys.path.append(sys.argv[1]); {first}; "
        "import json; from tests.native.test_units import hot, in_c; "
        "lines = [line.encode() for line in json.load(sys.stdin)]; "
        "print(json.dumps([digests.hex() for digests in hot.unit_digests(in_c(lines))]))"
    )
    given = json.dumps([line.decode() for line in lines])
    command = [sys.executable, "-P", "-c", program, str(Path(__file__).parents[2])]
    child = subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=60)
    found: list[str] = json.loads(child.stdout)
    return found


WITHOUT = {
    "libcrypto": "import sys; sys.modules['_hashlib'] = None",
    "hashlib": (
        "import hashlib; its = hashlib.sha256; hashlib.sha256 = None; from cncbops.native import hot; "
        "hashlib.sha256 = its"
    ),
}


def has_libcrypto() -> bool:
    path = getattr(pytest.importorskip("_hashlib"), "__file__", None)
    return path is not None and hasattr(ctypes.CDLL(path), "EVP_DigestInit_ex")


@pytest.mark.parametrize("library", WITHOUT)
def test_each_library_makes_the_same(library: str) -> None:
    if library == "hashlib" and not has_libcrypto():
        pytest.skip("this Python has libcrypto built in, or none")
    lines = [fault("d" * length, message="\u00e9", fault_id=None if length % 2 else "f-1") for length in BOUNDARIES]
    assert apart(lines, WITHOUT[library]) == [digests.hex() for digests in hot.unit_digests(in_c(lines))]
