"""`cncbops lake verify`: the installed command on a lake and copies of it that differ in every way."""

import hashlib
import json
import os
import re
import shutil
import signal
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.e2e import far_side_s3, lakes, servers
from tests.e2e.far_side import FarSide, StoredObject
from tests.e2e.servers import Cncbops, Result
from tests.e2e.warm import Warm
from tests.inventory.inventories import URI, Written, entries_of

BODIES = lakes.make_lake(60, 5, per_object=3)
KEYS = sorted(BODIES)
ROLE = "arn:aws:iam::210987654321:role/recovery"
KINDS = ("missing", "not_yet_replicated", "different", "not_comparable", "extra")
SHA = {"x-amz-checksum-sha256": "s"}
KMS = {"x-amz-server-side-encryption": "aws:kms"}
Objects = Mapping[str, StoredObject]


def stored(**headers: str) -> dict[str, StoredObject]:
    """The lake's objects, with these headers (`replication_status` is `x-amz-replication-status`)."""
    named = {f"x-amz-{name.replace('_', '-')}": value for name, value in headers.items()}
    return {key: StoredObject(body, headers=named) for key, body in BODIES.items()}


class Verifies:
    """Verifies `s3://lake/` against `s3://recovery/`, and holds every run to what must hold of all."""

    def __init__(self, command: Cncbops, far_side: FarSide) -> None:
        self._command, self.far_side = command, far_side

    def text(self, *arguments: str | Path, **more: Any) -> Result:
        more.setdefault("endpoint", self.far_side.url)
        return self._command("lake", "verify", *arguments, **more)

    def __call__(self, lake: Objects, recovery: Objects, *options: str) -> dict[str, Any]:
        self.far_side.add_bucket("lake", lake)
        self.far_side.add_bucket("recovery", recovery)
        return self.run("s3://lake/", "s3://recovery/", *options)

    def run(self, *arguments: str | Path, **more: Any) -> dict[str, Any]:
        result = self.text(*arguments, "-o", "json", **more)
        document: dict[str, Any] = result.json
        assert result.err == ""
        assert result.code == {"same": 0, "nothing": 1, "different": 3}[document["status"]]
        listed, counts = document["listed"], {kind: document[kind]["objects"] for kind in ("same", *KINDS)}
        assert listed["lake"] == sum(counts.values()) - counts["extra"]
        for kind in KINDS:
            assert sum(document[kind]["why"].values()) == counts[kind]
            shown = [each for each in document["differences"] if each["kind"] == kind]
            assert len(shown) == min(counts[kind], 20)
        return document


def environment(far_side: FarSide, home: Path) -> dict[str, str]:
    return {**servers.CREDENTIALS, "PATH": os.environ["PATH"], "HOME": str(home), "AWS_ENDPOINT_URL": far_side.url}


@pytest.fixture
def verify(cncbops: Cncbops, far_side: FarSide) -> Verifies:
    return Verifies(cncbops, far_side)


def folders(home: Path, **sides: Mapping[str, bytes]) -> None:
    """Folders of a machine with these files."""
    for side, bodies in sides.items():
        for key, body in bodies.items():
            (home / side / key).parent.mkdir(parents=True, exist_ok=True)
            (home / side / key).write_bytes(body)


def why(document: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """How many differ for which reasons."""
    return {kind: document[kind]["why"] for kind in KINDS if document[kind]["objects"]}


def differing(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(each["kind"], each["key"]) for each in document["differences"]]


def test_a_whole_copy_is_the_same_and_nothing_but_its_listing_is_asked_for(verify: Verifies) -> None:
    document = verify(stored(), {key: replace(each, storage_class="STANDARD_IA") for key, each in stored().items()})
    assert (document["status"], document["same"]) == (
        "same",
        {"objects": len(KEYS), "bytes": sum(map(len, BODIES.values()))},
    )
    assert document["listed"] == {"lake": len(KEYS), "recovery": len(KEYS)}
    assert {request.partition("?")[0] for request in verify.far_side.requests} == {"GET /lake", "GET /recovery"}


def test_what_is_missing_different_and_extra_is_told_by_its_key(verify: Verifies) -> None:
    lake, copy = stored(), stored()
    del copy[KEYS[2]]
    copy[KEYS[4]] = StoredObject(BODIES[KEYS[4]] + b"\n")
    copy[KEYS[6]] = StoredObject(BODIES[KEYS[6]].upper())
    copy[f"{KEYS[8]}.old"] = StoredObject(b"{}")
    document = verify(lake, copy)
    assert differing(document) == [
        ("missing", KEYS[2]),
        ("different", KEYS[4]),
        ("different", KEYS[6]),
        ("extra", f"{KEYS[8]}.old"),
    ]
    assert why(document)["different"] == {"size": 1, "content": 1}
    assert document["missing"]["bytes"] == len(BODIES[KEYS[2]])
    size = document["differences"][1]
    assert (size["recovery"]["size"], size["lake"]["object"]) == (len(BODIES[KEYS[4]]) + 1, f"s3://lake/{KEYS[4]}")


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        ("PENDING", "not_yet_replicated", "pending"),
        ("FAILED", "missing", "replication_failed"),
        ("COMPLETED", "missing", "replicated_and_gone"),
        ("REPLICA", "missing", "not_replicated"),
    ],
)
def test_why_a_copy_is_missing_is_what_s3_says_of_the_original(
    status: str, kind: str, reason: str, verify: Verifies
) -> None:
    document = verify(stored(replication_status=status), {})
    assert why(document) == {kind: {reason: len(KEYS)}}
    assert {request for request in verify.far_side.requests if request.startswith("HEAD /lake")} == {
        f"HEAD /lake/{key}" for key in KEYS
    }


def test_why_it_is_missing_is_not_known_to_who_may_not_look(verify: Verifies) -> None:
    verify.far_side.refuse(f"HEAD /lake/{KEYS[0]}", far_side_s3.error(403, "AccessDenied", "Access Denied"))
    assert why(verify(stored(replication_status="FAILED"), {})) == {
        "missing": {"not_known": 1, "replication_failed": len(KEYS) - 1}
    }


def test_what_is_younger_than_the_lag_may_lack_its_copy(verify: Verifies) -> None:
    now = datetime.now(UTC)
    ages = {KEYS[0]: 10, KEYS[1]: 20, KEYS[2]: 40}
    lake = stored(replication_status="PENDING")
    lake |= {key: replace(lake[key], last_modified=now - timedelta(minutes=age)) for key, age in ages.items()}
    copy = {key: each for key, each in lake.items() if key not in ages}
    strict, waiting, patient = (verify(lake, copy, *lag) for lag in ([], ["--lag", "30m"], ["--lag", "1h"]))
    assert [each["status"] for each in (strict, waiting, patient)] == ["different", "different", "same"]
    assert [each["not_yet_replicated"]["late"] for each in (strict, waiting, patient)] == [3, 1, 0]
    assert 2400 <= patient["not_yet_replicated"]["oldest_s"] < 2500
    assert [each["late"] for each in waiting["differences"]] == [False, False, True]


def test_a_young_object_without_a_replication_rule_is_missing_unless_the_lag_allows_it(verify: Verifies) -> None:
    lake = {KEYS[0]: StoredObject(BODIES[KEYS[0]], last_modified=datetime.now(UTC))}
    assert why(verify(lake, {})) == {"missing": {"not_replicated": 1}}
    assert why(verify(lake, {}, "--lag", "1h")) == {"not_yet_replicated": {"young": 1}}


def test_a_version_that_is_still_to_be_replicated_is_no_difference_of_its_own(verify: Verifies) -> None:
    copy = {key: StoredObject(each.body + b"\n") for key, each in stored().items()}
    assert why(verify(stored(replication_status="PENDING"), copy)) == {
        "not_yet_replicated": {"new_version_pending": len(KEYS)}
    }


def crc(value: str) -> dict[str, str]:
    return {"x-amz-checksum-crc64nvme": value}


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        (("a" * 32, KMS), ("b" * 32, {}), "not_comparable"),
        (("a" * 32 + "-2", {}), ("b" * 32 + "-3", {}), "not_comparable"),
        (("a" * 32, KMS | crc("x")), ("b" * 32, KMS | crc("x")), "same"),
        (("a" * 32, KMS | crc("x")), ("b" * 32, crc("y")), "different"),
        (("a" * 32, KMS | crc("x") | SHA), ("b" * 32, crc("y") | SHA), "different"),
        (("a" * 32 + "-2", crc("x-2")), ("b" * 32 + "-2", crc("x-2")), "same"),
        (("a" * 32 + "-2", crc("x-2")), ("b" * 32 + "-3", crc("y-3")), "not_comparable"),
        (("a" * 32, {}), ("b" * 32, {}), "different"),
        (("a" * 32, KMS), ("a" * 32, KMS), "same"),
    ],
)
def test_etags_that_are_no_md5_are_no_proof_but_checksums_are(
    ours: tuple[str, dict[str, str]], theirs: tuple[str, dict[str, str]], found: str, verify: Verifies
) -> None:
    lake, copy = ({"k": StoredObject(b"{}\n", tag=tag, headers=headers)} for tag, headers in (ours, theirs))
    document = verify(lake, copy)
    assert [kind for kind in ("same", *KINDS) if document[kind]["objects"]] == [found]


@pytest.mark.parametrize("body", [b"{}\n", b"{}"])
def test_what_is_deleted_after_it_was_listed_is_not_there(verify: Verifies, body: bytes) -> None:
    listed = {each: StoredObject(b"{}\n", headers=KMS) for each in ("a", "b", "c")}
    copy = {each: StoredObject(body, headers=KMS, tag=f"{ord(each):032x}") for each in ("a", "b")}
    lake = {each: replace(stored, vanished=each != "b") for each, stored in listed.items()}
    verify.far_side.add_bucket("lake", lake)
    verify.far_side.add_bucket("recovery", copy)
    differences = json.loads(verify.text("s3://lake/", "s3://recovery/", "-o", "json").out)["differences"]
    kind = "not_comparable" if body == b"{}\n" else "different"
    assert [(each["kind"], each["key"]) for each in differences] == [("extra", "a"), (kind, "b")]


def test_deep_reads_what_nothing_else_tells(verify: Verifies) -> None:
    lake = {key: StoredObject(body, headers=KMS) for key, body in BODIES.items()}
    copy = {key: StoredObject(body, headers=KMS, tag=f"{n:032x}") for n, (key, body) in enumerate(BODIES.items())}
    copy[KEYS[1]] = replace(copy[KEYS[1]], content=BODIES[KEYS[1]].upper())
    copy[KEYS[3]] = replace(copy[KEYS[3]], storage_class="GLACIER")
    copy[KEYS[5]] = replace(copy[KEYS[5]], vanished=True)
    assert why(verify(lake, copy)) == {
        "missing": {"not_replicated": 1},
        "not_comparable": {"no_common_checksum": len(KEYS) - 1},
    }
    deep = verify(lake, copy, "--deep")
    assert differing(deep) == [
        ("different", KEYS[1]),
        ("not_comparable", KEYS[3]),
        ("missing", KEYS[5]),
    ]
    assert why(deep)["not_comparable"] == {"archived": 1}
    assert deep["same"]["objects"] == len(KEYS) - 3


def test_what_came_while_the_other_side_was_listed_is_looked_at_again(
    verify: Verifies, cncbops: Cncbops, far_side: FarSide
) -> None:
    """Another listing would show it by now: the far side is told of it only when the listing was given."""
    now = datetime.now(UTC)
    new = {key: StoredObject(body, last_modified=now) for key, body in BODIES.items()}
    late, later = KEYS[-1], KEYS[-2]
    far_side.add_bucket("lake", {key: each for key, each in new.items() if key != late})
    far_side.add_bucket("recovery", {key: each for key, each in new.items() if key != later})
    go_on = far_side.hold("HEAD ")
    process = cncbops.start("lake", "verify", "s3://lake/", "s3://recovery/", "-o", "json", endpoint=far_side.url)
    far_side.wait_until(lambda: any(request.startswith("HEAD ") for request in far_side.requests))
    far_side.add_bucket("lake", new)
    far_side.add_bucket("recovery", new)
    go_on.set()
    result = cncbops.finish(process)
    assert (result.code, result.json["same"]["objects"]) == (0, len(KEYS))


@pytest.mark.parametrize(
    ("lake", "recovery"),
    [
        ("s3://lake/", "s3://recovery/us-east-1/"),
        ("s3://lake", "s3://recovery/us-east-1"),
        (f"s3://lake/{lakes.STREAM}/2018/", f"s3://recovery/us-east-1/{lakes.STREAM}/2018/"),
        (f"s3://lake/{lakes.STREAM}/2018/04/08", f"s3://recovery/us-east-1/{lakes.STREAM}/2018/04/08/"),
        ("lake", "s3://recovery/us-east-1/"),
        ("s3://lake/", "copy"),
        ("lake/", "file:///tmp/../{home}/copy"),
    ],
)
def test_prefixes_and_folders_are_compared_by_what_comes_after_them(
    lake: str, recovery: str, verify: Verifies, tmp_path: Path
) -> None:
    copy = {key: body for key, body in BODIES.items() if key != KEYS[7]} | {KEYS[9]: BODIES[KEYS[9]].upper()}
    verify.far_side.add_bucket("lake", BODIES)
    verify.far_side.add_bucket("recovery", {f"us-east-1/{key}": body for key, body in copy.items()} | {"other": b"x"})
    folders(tmp_path, lake=BODIES, copy=copy)
    document = verify.run(lake, recovery.format(home=tmp_path))
    below = next((part for part in (f"{lakes.STREAM}/2018/04/08/", f"{lakes.STREAM}/2018/") if part[:-1] in lake), "")
    assert differing(document) == [
        ("missing", KEYS[7].removeprefix(below)),
        ("different", KEYS[9].removeprefix(below)),
    ]
    assert document["same"]["objects"] == len(KEYS) - 2


def test_only_the_folders_of_a_time_are_compared(verify: Verifies) -> None:
    keys = [f"s1/2018/04/{day:02}/{hour:02}/x" for day in (7, 8, 9) for hour in range(0, 24, 3)] + ["s1/readme"]
    lake = {key: StoredObject(b"{}") for key in keys}
    document = verify(lake, {}, "--from", "2018-04-08T05:00Z", "--to", "2018-04-08T13:00Z")
    # The hour before, as an object is named by its oldest record, and the hour after, as events arrive late.
    hours = ("06", "09", "12")
    assert [each["key"] for each in document["differences"]] == [*(f"s1/2018/04/08/{h}/x" for h in hours), "s1/readme"]
    asked = " ".join(verify.far_side.requests)
    assert "04%2F07" not in asked
    assert "04%2F09" not in asked


def test_what_lies_outside_the_time_is_left_out_though_only_one_side_lists_it(verify: Verifies) -> None:
    """A folder between the hours that is no hour makes a listing of that side read them all."""
    keys = [f"s1/2018/04/08/{hour:02}/x" for hour in range(24)]
    lake = {key: StoredObject(b"{}") for key in keys}
    copy = lake | {"s1/2018/04/08/tmp/x": StoredObject(b"")}
    document = verify(lake, copy, "--from", "2018-04-08T05:00Z", "--to", "2018-04-08T06:00Z")
    assert (document["same"]["objects"], differing(document)) == (3, [("extra", "s1/2018/04/08/tmp/x")])


def test_all_lists_every_difference_as_json_lines_and_then_the_document(verify: Verifies) -> None:
    verify.far_side.add_bucket("lake", BODIES | {f"x/{n:03}": b"{}" for n in range(100)})
    verify.far_side.add_bucket("recovery", BODIES)
    result = verify.text("s3://lake/", "s3://recovery/", "--all", "-o", "json")
    *lines, last = map(json.loads, result.out.splitlines())
    assert (result.code, result.err, last["command"], last["missing"]["objects"]) == (3, "", "lake verify", 100)
    assert [line["key"] for line in lines] == [f"x/{n:03}" for n in range(100)]
    assert "differences" not in last


def test_text_tells_the_first_of_each_kind_and_a_table(verify: Verifies) -> None:
    verify.far_side.add_bucket("lake", BODIES | {f"x/{n:03}": b"{}" for n in range(25)})
    verify.far_side.add_bucket("recovery", BODIES | {"y/\x1b[31mred": b""})
    result = verify.text("s3://lake/", "s3://recovery/")
    assert (result.code, result.err) == (3, "the copy is not what the lake is\n")
    lines = result.out.splitlines()
    assert [line.split()[-1] for line in lines[:20]] == [f"x/{n:03}" for n in range(20)]
    assert lines[20] == "and 5 more: --all lists them"
    assert "y/\\x1b[31mred" in lines[21]
    assert re.search(r"^missing +25 +50 bytes +25 no replication status$", result.out, re.MULTILINE)
    assert "\x1b" not in result.out
    listed = verify.text("s3://lake/", "s3://recovery/", "--all")
    assert [line.split()[-1] for line in listed.out.splitlines()[:25]] == [f"x/{n:03}" for n in range(25)]
    quiet = verify.text("s3://lake/", "s3://recovery/", "-q")
    assert (quiet.code, quiet.out, quiet.err) == (3, "", "")


def test_where_neither_has_an_object_nothing_is_said_to_be_the_same(verify: Verifies) -> None:
    assert verify({}, {})["status"] == "nothing"
    result = verify.text("s3://lake/", "s3://recovery/")
    told = "nothing is compared: neither has an object there. Check buckets, prefixes, --from and --to\n"
    assert (result.code, result.err) == (1, told)


def test_a_terminal_is_shown_how_far_it_is_and_keeps_the_table(verify: Verifies, tmp_path: Path, warm: Warm) -> None:
    verify.far_side.add_bucket("lake", BODIES)
    verify.far_side.add_bucket("recovery", BODIES)
    held = verify.far_side.hold("GET /recovery")
    command = ["lake", "verify", "s3://lake/", "s3://recovery/"]
    threading.Timer(1, held.set).start()
    shown = warm.at_terminal(command, environment(verify.far_side, tmp_path) | {"TERM": "xterm-256color"}, tmp_path)
    assert b"the copy holds what the lake holds" in shown
    assert b"0 listed" in shown


def test_a_copy_in_another_account_is_read_under_its_own_role(verify: Verifies) -> None:
    verify.far_side.add_bucket("lake", BODIES)
    verify.far_side.add_bucket("recovery", BODIES, role=ROLE)
    refused = verify.text("s3://lake/", "s3://recovery/")
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == (
        "error: cannot list s3://recovery/: access denied. Ask for s3:ListBucket, or use --recovery-role-arn\n"
    )
    assert verify.run("s3://lake/", "s3://recovery/", "--recovery-role-arn", ROLE)["status"] == "same"
    assert verify.run("s3://lake/", "s3://recovery/", env={"CNCBOPS_RECOVERY_ROLE_ARN": ROLE})["status"] == "same"


def test_a_copy_may_be_reached_by_another_profile_region_and_endpoint(
    verify: Verifies, ministack: str, tmp_path: Path, unique: str
) -> None:
    """The copy lies in an account that only the profile has; ministack takes 12 digits as access key for one."""
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    config.write_text("[profile recovery]\nregion = us-west-1\n")
    credentials.write_text("[recovery]\naws_access_key_id = 222222222222\naws_secret_access_key = x\n")
    keys = {"aws_access_key_id": "222222222222", "aws_secret_access_key": "x"}
    copy = boto3.client("s3", "us-west-1", endpoint_url=ministack, **keys)
    copy.create_bucket(Bucket=unique, CreateBucketConfiguration={"LocationConstraint": "us-west-1"})
    for key, body in list(BODIES.items())[1:]:
        copy.put_object(Bucket=unique, Key=key, Body=body)
    verify.far_side.add_bucket("lake", BODIES)
    env = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    reached = ["--recovery-profile", "recovery", "--recovery-endpoint-url", ministack, "--recovery-region", "us-west-1"]
    document = verify.run("s3://lake/", f"s3://{unique}/", *reached, env=env)
    assert differing(document) == [("missing", next(iter(BODIES)))]
    assert verify.text("s3://lake/", f"s3://{unique}/", *reached[2:], env=env).code == 1


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["s3://lake/", "s3://lake"], 2, "LAKE and RECOVERY are both s3://lake/. Name the lake first"),
        (["s3://lake/", "s3://nowhere/"], 1, "cannot list s3://nowhere/: it does not exist. Check the name"),
        (["s3://lake/", "nowhere"], 1, "/nowhere' cannot be listed: No such file or directory"),
        (["s3://lake/", "sqs://queue"], 2, "'sqs://queue' is not a source that can be read"),
        (["s3://lake/", "s3://recovery/", "--lag", "soon"], 2, "'--lag': 'soon' is not a duration"),
        (["s3://lake/", "s3://recovery/", "--from", "soon"], 2, "'--from': 'soon' is not a time"),
        (["s3://lake/"], 2, "RECOVERY"),
    ],
)
def test_what_cannot_be_compared_is_one_line(arguments: list[str], code: int, told: str, verify: Verifies) -> None:
    verify.far_side.add_bucket("lake", BODIES)
    verify.far_side.add_bucket("recovery", BODIES)
    result = verify.text(*arguments)
    assert (result.code, result.out, result.err.count("\n")) == (code, "", 1)
    assert told in result.err


def test_an_error_is_in_the_document_or_on_standard_error_alone_beside_lines(verify: Verifies) -> None:
    verify.far_side.add_bucket("lake", BODIES)
    one = verify.text("s3://lake/", "s3://nowhere/", "-o", "json")
    assert (one.code, one.json["command"], one.json["status"]) == (1, "lake verify", "failed")
    lines = verify.text("s3://lake/", "s3://nowhere/", "-o", "json", "--all")
    assert (lines.code, lines.out) == (1, "")


def test_a_reader_of_lines_that_goes_away_ends_it(verify: Verifies, cncbops: Cncbops) -> None:
    verify.far_side.add_bucket("lake", {f"x/{n:05}": b"{}" for n in range(1000)})
    verify.far_side.add_bucket("recovery", {})
    command = ("lake", "verify", "s3://lake/", "s3://recovery/", "--all")
    process = cncbops.start(*command, endpoint=verify.far_side.url)
    assert process.stdout
    assert process.stdout.readline().endswith(b"x/00000\n")
    process.stdout.close()
    assert process.wait(60) == 3
    assert process.stderr
    assert process.stderr.read() == b""


def test_ctrl_c_ends_it_at_once(verify: Verifies, cncbops: Cncbops) -> None:
    verify.far_side.add_bucket("lake", BODIES)
    verify.far_side.add_bucket("recovery", {})
    verify.far_side.hold("HEAD ")
    process = cncbops.start("lake", "verify", "s3://lake/", "s3://recovery/", endpoint=verify.far_side.url)
    verify.far_side.wait_until(lambda: any(request.startswith("HEAD ") for request in verify.far_side.requests))
    os.kill(process.pid, signal.SIGINT)
    result = cncbops.finish(process)
    assert (result.code, result.out, result.err) == (130, "", "")


def test_nothing_is_written_anywhere(verify: Verifies, cncbops: Cncbops) -> None:
    verify(stored(), {}, "--deep")
    assert {request.split()[0] for request in verify.far_side.requests} <= {"GET", "HEAD"}
    assert not cncbops.state_dir.exists()


def test_a_copy_on_this_machine_of_what_has_no_md5_is_not_comparable_unless_it_is_read(
    verify: Verifies, tmp_path: Path
) -> None:
    digest = hashlib.sha256(b"{}").hexdigest()[:32]
    verify.far_side.add_bucket("lake", {"a/b": StoredObject(b"{}", tag=f"{digest}-2")})
    (tmp_path / "copy" / "a").mkdir(parents=True)
    (tmp_path / "copy" / "a" / "b").write_bytes(b"{}")
    assert why(verify.run("s3://lake/", "copy")) == {"not_comparable": {"no_common_checksum": 1}}
    assert verify.run("s3://lake/", "copy", "--deep")["status"] == "same"
    shutil.rmtree(tmp_path / "copy" / "a")
    assert differing(verify.run("s3://lake/", "copy")) == [("missing", "a/b")]


def test_what_a_folder_of_this_machine_lacks_is_missing_and_nothing_is_said_of_replication(
    verify: Verifies, tmp_path: Path
) -> None:
    folders(tmp_path, lake={"a": b"{}", "b": b"{}"}, copy={"a": b"{}"})
    verify.far_side.add_bucket(
        "lake", {"a": StoredObject(b"{}"), "b": StoredObject(b"{}", headers={"x-amz-replication-status": "FAILED"})}
    )
    for lake in (str(tmp_path / "lake"), "s3://lake/"):
        assert why(verify.run(lake, tmp_path / "copy")) == {"missing": {"not_in_copy": 1}}
    shown = verify.text(tmp_path / "lake", tmp_path / "copy").out
    assert re.search(r"^missing +not in the copy ", shown, re.MULTILINE)
    assert re.search(r"^missing +1 +2 bytes$", shown, re.MULTILINE)
    assert "replication" not in shown


def test_sizes_that_would_look_alike_are_told_to_the_byte(verify: Verifies) -> None:
    verify.far_side.add_bucket("lake", {"a": b"x" * 30_600, "b": b"x" * 30_600})
    verify.far_side.add_bucket("recovery", {"a": b"x" * 30_601, "b": b"x" * 31_600})
    shown = verify.text("s3://lake/", "s3://recovery/").out
    assert re.search(r"^different .* 30,600 bytes  a  \(there 30,601 bytes\)$", shown, re.MULTILINE)
    assert re.search(r"^different .* 30\.6 KB  b  \(there 31\.6 KB\)$", shown, re.MULTILINE)


def test_folders_of_this_machine_are_named_from_the_root_as_other_commands_do(verify: Verifies, tmp_path: Path) -> None:
    folders(tmp_path, lake={"a": b"{}", "b": b"{}"}, copy={"a": b"{}"})
    document = verify.run("lake", "copy/")
    assert (document["lake"], document["recovery"]) == (str(tmp_path / "lake"), str(tmp_path / "copy"))
    assert document["differences"][0]["lake"]["object"] == str(tmp_path / "lake" / "b")


class TestFromAnInventory:
    """The lake's side as it was some hours ago: what that leaves open is as the lake is now."""

    @pytest.fixture
    def verified(self, verify: Verifies) -> Any:
        def run(lake: Objects, known: Objects, recovery: Objects) -> dict[str, Any]:
            verify.far_side.add_bucket("inventories", Written().objects(entries_of(known)))
            verify.far_side.add_bucket("lake", lake)
            verify.far_side.add_bucket("recovery", recovery)
            result = verify.text("s3://lake/", "s3://recovery/", "--inventory", URI, "-o", "json")
            document: dict[str, Any] = result.json
            lists = [each for each in verify.far_side.requests if "list-type" in each]
            assert lists
            assert all(each.startswith("GET /recovery") for each in lists)
            return document

        return run

    def test_what_came_changed_and_went_since_is_the_same(self, verified: Any) -> None:
        known = {**stored(), KEYS[0]: StoredObject(b"old"), "2018/04/08/gone": StoredObject(b"gone")}
        del known[KEYS[1]]

        document = verified(stored(), known, stored())

        assert (document["status"], document["same"]["objects"]) == ("same", len(KEYS) + 1)
        assert document["inventory"] == {"manifest": URI, "created": "2018-04-09T00:00:00Z"}

    def test_what_differs_now_is_told(self, verified: Any) -> None:
        recovery = {**stored(), KEYS[0]: StoredObject(b"another"), "extra": StoredObject(b"extra")}
        del recovery[KEYS[1]]

        document = verified(stored(), stored(), recovery)

        told = {each["kind"]: each["key"] for each in document["differences"]}
        assert told == {"different": KEYS[0], "missing": KEYS[1], "extra": "extra"}
