"""`cncbops invalidate`: what is planned, what arrives at CloudFront, and what CloudFront may do meanwhile."""

import json
from pathlib import Path
from typing import Any

import pytest

from cncbops.aws import LOOK_TRIES
from tests.cdn.test_notifications import by_sns, s3_event
from tests.e2e.far_side import FarSide
from tests.e2e.far_side_cloudfront import (
    DOMAIN,
    ID,
    LOSE,
    THROTTLED,
    TOO_MANY,
    UNAVAILABLE,
    Described,
    FarSideCloudFront,
    error,
)
from tests.e2e.invalidates import Invalidates, paths_file
from tests.e2e.servers import Cncbops


def test_a_dry_run_writes_nothing_anywhere_and_shows_the_plan(invalidates: Invalidates) -> None:
    summary = invalidates.plan("/things/42", "/things/*", "things/43", "/a", "/a", "/b")
    far_side = invalidates.far_side
    assert (summary["status"], summary["dry_run"], summary["ledger"]) == ("planned", True, None)
    assert summary["distribution"]["domain"] == DOMAIN
    assert summary["plan"]["first_paths"] == ["/a", "/b", "/things/*"]
    assert summary["plan"]["covered"] == {"/things/*": 2}
    assert summary["paths"]["duplicates"] == 1
    assert (summary["cost"]["paths"], summary["cost"]["usd_at_most"]) == (3, 0.015)
    assert far_side.writes == []
    assert far_side.memory.made == []
    assert not invalidates.command.state_dir.exists()


def test_what_is_executed_is_what_was_planned(invalidates: Invalidates) -> None:
    planned = invalidates.plan("/red flower", "/a*")
    summary = invalidates.execute("/red flower", "/a*")
    (made,) = invalidates.far_side.memory.made
    assert list(made.items) == planned["plan"]["first_paths"] == ["/red%20flower", "/a*"]
    assert summary["status"] == "succeeded"
    assert summary["invalidations"] == [{"id": made.id, "status": "InProgress", "paths": 2}]
    assert summary["requests"]["in_progress"] == 1
    assert made.reference.startswith("cncbops-")
    assert invalidates.newest.status == "succeeded"


def test_text_says_how_to_look_at_what_is_not_completed_yet(invalidates: Invalidates) -> None:
    result = invalidates.text("/a", "--execute")
    assert (result.code, result.out) == (0, "")
    (made,) = invalidates.far_side.memory.made
    assert f"cncbops invalidate status {ID} {made.id}" in result.err
    status = invalidates.command("invalidate", "status", ID, made.id, endpoint=invalidates.far_side.url)
    assert (status.code, "InProgress" in status.out, "/a" in status.out) == (0, True, True)


def test_paths_come_from_files_and_standard_input_too(invalidates: Invalidates, tmp_path: Path) -> None:
    file = paths_file(tmp_path, ["/f/1", "", "  /f/2  ", "\ufeff/f/3"])
    summary = invalidates.plan("/t", "--from-file", file, "--from-file", "-", stdin=b"/s/1\r\n/s/2\r\n")
    assert summary["plan"]["first_paths"] == ["/t", "/f/1", "/f/2", "/%EF%BB%BF/f/3", "/s/1", "/s/2"]
    assert summary["plan"]["sources"] == {"command line": 1, str(file): 3, "standard input": 2}


def test_notifications_name_objects_and_one_that_cannot_be_named_is_told(
    invalidates: Invalidates, tmp_path: Path
) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(by_sns(s3_event("things/red+flower%2B1", "star%2A"), s3_event("x", name="a:b"))))
    planned = invalidates.plan("--from-notification", file)
    assert planned["plan"]["first_paths"] == ["/things/red%20flower+1"]
    summary = invalidates.execute("--from-notification", file)
    assert (summary["status"], invalidates.far_side.items) == ("partial", ["/things/red%20flower+1"])
    assert (summary["paths"]["not_nameable"], summary["paths"]["other_notifications"]) == (1, 1)
    assert summary["failures"][0]["object"] == "s3://b/star*"
    assert summary["foreign_buckets"] == planned["foreign_buckets"] == ["b"]
    told = f"bucket b is no origin of {ID}: its objects may be served by another distribution"
    assert f"warning: {told}." in invalidates.text("--from-notification", file).out
    assert f"note: {told}\n" in invalidates.text("--from-notification", file, "--execute").err


def test_collapsing_says_what_it_saves(invalidates: Invalidates) -> None:
    things = [f"/things/{number}" for number in range(50)]
    summary = invalidates.plan("/other", *things, "--collapse", "49")
    assert summary["plan"]["first_paths"] == ["/other", "/things/*"]
    assert summary["plan"]["collapsed"] == {"/things/*": 50}
    assert (summary["cost"]["usd_at_most"], summary["cost"]["usd_at_most_before_collapse"]) == (0.01, 0.255)
    said = invalidates.text("/other", *things, "--collapse", "49").out
    assert "at most 0.010 USD in place of 0.26 USD before collapsing" in said


def test_ten_thousand_paths_keep_the_quotas_and_each_is_sent_once(invalidates: Invalidates, tmp_path: Path) -> None:
    paths = [f"/things/{number}" for number in range(10_000)]
    wildcards = [f"/views/{number}/*" for number in range(20)]
    process = invalidates.start("--from-file", paths_file(tmp_path, [*paths, *wildcards]), "--wait")
    far_side = invalidates.far_side
    for number in range(1, 11):
        far_side.wait_until(lambda memory, number=number: len(memory.made) >= number)  # type: ignore[misc]
        if number >= 3:
            far_side.complete(1)
    far_side.complete()
    summary = invalidates.finish(process)
    assert (summary["status"], summary["paths"]["completed"]) == ("succeeded", 10_020)
    assert (summary["requests"]["total"], summary["requests"]["completed"]) == (10, 10)
    assert sorted(far_side.items) == sorted([*paths, *wildcards])
    assert (far_side.memory.most_singles, far_side.memory.most_wildcards) == (3_000, 15)
    assert summary["requests"]["no_room"] == 0


def test_what_others_have_in_progress_takes_room(invalidates: Invalidates) -> None:
    far_side = invalidates.far_side
    others = [far_side.begin(*(f"/o/{number}/{each}" for each in range(500))) for number in range(6)]
    planned = invalidates.plan("/a")
    assert planned["plan"]["in_progress"] == {"invalidations": 6, "paths": 3_000, "wildcards": 0}
    assert planned["plan"]["has_room"] is False
    assert invalidates.plan("/a*")["plan"]["has_room"] is True
    process = invalidates.start("/a")
    far_side.wait_until(lambda memory: sum("GET" in each and "?" in each for each in memory.requests) >= 4)
    assert far_side.memory.creates == []
    others[0].status = "Completed"
    summary = invalidates.finish(process)
    assert (summary["status"], summary["requests"]["no_room"]) == ("succeeded", 0)


def test_too_many_in_progress_is_waited_for_and_no_error(invalidates: Invalidates) -> None:
    invalidates.far_side.memory.answers = [TOO_MANY, TOO_MANY]
    summary = invalidates.execute("/a")
    assert (summary["status"], invalidates.far_side.items) == ("succeeded", ["/a"])
    assert (summary["requests"]["no_room"], summary["requests"]["retried"]) == (2, 2)


def test_throttling_failures_and_lost_answers_are_tried_again_under_one_reference(invalidates: Invalidates) -> None:
    far_side = invalidates.far_side
    far_side.memory.answers = [THROTTLED, UNAVAILABLE, LOSE, error(500, "InternalError", "")]
    summary = invalidates.execute("/a")
    assert (summary["status"], far_side.items) == ("succeeded", ["/a"])
    assert (summary["requests"]["retried"], summary["requests"]["throttled"]) == (4, 1)
    assert len(set(far_side.memory.creates)) == 1


def test_a_denied_create_names_the_permission_and_the_run_can_be_resumed(invalidates: Invalidates) -> None:
    far_side = invalidates.far_side
    far_side.memory.denied = {"CreateInvalidation"}
    summary = invalidates.execute("/a")
    assert (summary["status"], summary["ledger"] is not None) == ("failed", True)
    assert "cloudfront:CreateInvalidation" in summary["error"]["next_step"]
    far_side.memory.denied = set()
    assert invalidates.resume("--execute")["status"] == "succeeded"
    assert far_side.items == ["/a"]


@pytest.mark.parametrize(
    "denied", [{"ListInvalidations"}, {"ListInvalidations", "GetInvalidation"}, {"GetDistribution"}]
)
def test_without_the_right_to_look_it_invalidates_all_the_same(invalidates: Invalidates, denied: set[str]) -> None:
    far_side = invalidates.far_side
    far_side.memory.denied = denied
    far_side.memory.answers = [TOO_MANY]
    assert invalidates.plan("/a")["status"] == "planned"
    assert invalidates.execute("/a")["status"] == "succeeded"
    assert far_side.items == ["/a"]


def test_a_plan_says_why_it_does_not_know_what_is_in_progress(invalidates: Invalidates) -> None:
    far_side = invalidates.far_side
    assert invalidates.plan("/a")["plan"]["in_progress_error"] is None
    far_side.memory.denied = {"ListInvalidations"}
    denied = invalidates.text("/a").out
    assert f"cannot list the invalidations of {ID}: access denied. Ask for cloudfront:ListInvalidations" in denied
    far_side.memory.denied = set()
    far_side.memory.broken_looks = LOOK_TRIES
    unanswered = invalidates.plan("/a")["plan"]
    assert (unanswered["in_progress"], unanswered["has_room"]) == (None, True)
    assert "ServiceUnavailable" in unanswered["in_progress_error"]["what"]
    far_side.memory.broken_looks = LOOK_TRIES
    said = invalidates.text("/a").out
    assert f"cannot list the invalidations of {ID}: ServiceUnavailable: " in said
    assert "cloudfront:ListInvalidations" not in said


def test_a_bucket_that_may_not_be_listed_is_named_and_nothing_is_sent(
    invalidates: Invalidates, far_side: FarSide
) -> None:
    far_side.refuse("GET /lake?list-type", error(403, "AccessDenied", "Access Denied"))
    asked = ("--from-s3", "s3://lake/things/", "--since", "-1h", "--execute")
    denied = invalidates.text(*asked, env={"AWS_ENDPOINT_URL_S3": far_side.url})
    assert (denied.code, "s3:ListBucket" in denied.err, len(denied.err.splitlines())) == (1, True, 1)
    assert denied.err.startswith("error: cannot list s3://lake/things/: access denied")
    assert invalidates.far_side.writes == []


def test_without_the_right_to_look_nobody_can_wait(invalidates: Invalidates) -> None:
    invalidates.far_side.memory.denied = {"ListInvalidations", "GetInvalidation"}
    summary = invalidates.execute("/a", "--wait")
    assert (summary["status"], summary["requests"]["created"]) == ("failed", 1)
    assert "cloudfront:GetInvalidation" in summary["error"]["next_step"]


def test_the_timeout_stops_waiting_for_room_and_for_the_end(invalidates: Invalidates) -> None:
    for number in range(3):
        invalidates.far_side.begin(*(f"/o/{number}/{each}" for each in range(1_000)))
    full = invalidates.execute("/a", "--timeout", "1s")
    assert (full["status"], full["requests"]["created"]) == ("stopped", 0)
    assert "for room" in full["reason"]
    invalidates.far_side.complete()
    slow = invalidates.resume("--execute")
    assert (slow["status"], slow["requests"]["created"]) == ("succeeded", 1)
    waited = invalidates.text("/b", "--wait", "--timeout", "1s", "--execute")
    assert waited.code == 5
    assert "stopped: waited for invalidations to be completed" in waited.err
    assert f"cncbops runs resume {invalidates.newest.run_id} --execute" in waited.err


def test_tags_are_sent_where_the_distribution_takes_them(cncbops: Cncbops) -> None:
    with FarSideCloudFront(Described(tag_header="x-cache-tag")) as far_side:
        invalidates = Invalidates(cncbops, far_side)
        summary = invalidates.execute("/a", "#Product:TV", "--tag", "product:tv", "--tag", "#brand")
        assert far_side.items == ["/a", "#product:tv", "#brand"]
        assert (summary["paths"]["tags"], summary["paths"]["duplicates"]) == (2, 1)


def test_tags_are_refused_where_they_would_do_nothing(invalidates: Invalidates) -> None:
    summary = invalidates.execute("/a", "--tag", "x")
    assert "no CacheTagConfig" in summary["error"]["what"]
    assert invalidates.far_side.writes == []


@pytest.mark.parametrize("name", ["d111111abcdef8.CloudFront.net", "WWW.example.com", "any.example.org", ID])
def test_a_distribution_goes_by_id_domain_and_aliases(cncbops: Cncbops, name: str) -> None:
    others = [Described(f"E3OTHER{number:07d}", f"d{number:013d}.cloudfront.net") for number in range(120)]
    this = Described(aliases=("www.example.com", "*.example.org"))
    with FarSideCloudFront(*others, this) as far_side:
        summary = cncbops("invalidate", name, "/a", "-o", "json", endpoint=far_side.url).json
        assert (summary["status"], summary["distribution"]["id"]) == ("planned", ID)


@pytest.mark.parametrize("name", ["E2EXAMPLE1234Y", "d111111abcdef9.cloudfront.net", "d111111abcdef8"])
def test_an_unknown_distribution_is_told_with_what_is_close(invalidates: Invalidates, name: str) -> None:
    result = invalidates.command("invalidate", name, "/a", endpoint=invalidates.far_side.url)
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert f"there is no distribution {name}" in result.err
    assert (ID in result.err) or (DOMAIN in result.err)


def test_a_bucket_with_an_origin_path_is_served_below_it(cncbops: Cncbops, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(s3_event("site/a", "private/b")))
    with FarSideCloudFront(Described(origins=(("b.s3.us-east-1.amazonaws.com", "/site"),))) as far_side:
        summary = Invalidates(cncbops, far_side).plan("--from-notification", file)
    assert (summary["plan"]["first_paths"], summary["paths"]["not_served"]) == (["/a"], 1)
    assert summary["foreign_buckets"] == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["/a/*/b"], "PATH: '/a/*/b' has a * that is not its last character"),
        ([f"https://{DOMAIN}/x"], "type '/x'"),
        (["/a", "--from-file", "missing.txt"], "missing.txt cannot be read"),
        (["--from-s3", "s3://bucket/"], "--from-s3 and --since go together"),
        (["--since", "-1h"], "--from-s3 and --since go together"),
        (["--from-s3", "bucket", "--since", "-1h"], "is not in S3"),
        (["--from-file", "-", "--from-notification", "-"], "- was given twice"),
        (["/a", "--timeout", "soon"], "is not a duration"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_asked_of_aws(
    invalidates: Invalidates, arguments: list[str], told: str
) -> None:
    result = invalidates.text(*arguments)
    assert (result.code, result.out, len(result.err.splitlines())) == (2, "", 1)
    assert told in result.err
    assert invalidates.far_side.memory.requests == []


def test_a_status_that_cannot_be_waited_for_is_told_before_anything_is_asked_of_aws(invalidates: Invalidates) -> None:
    asked = ("invalidate", "status", ID, "I1", "--wait", "--timeout", "soon")
    result = invalidates.command(*asked, endpoint=invalidates.far_side.url)
    assert (result.code, "is not a duration" in result.err) == (2, True)
    assert invalidates.far_side.memory.requests == []


def test_without_a_distribution_it_says_how_to_name_one(cncbops: Cncbops) -> None:
    for arguments in ([], ["/a"], ["#tag"]):
        result = cncbops("invalidate", *arguments)
        assert (result.code, "id, domain name or alias" in result.err) == (2, True)


def test_nothing_given_is_nothing_to_do(invalidates: Invalidates) -> None:
    for mode in ([], ["--execute"]):
        summary = invalidates.plan("--from-file", "-", *mode, stdin=b"\n\n")
        assert (summary["status"], summary["requests"]["total"]) == ("nothing", 0)
    assert not invalidates.command.state_dir.exists()


def test_ls_shows_the_newest_first(invalidates: Invalidates) -> None:
    for number in range(120):
        invalidates.far_side.begin(f"/{number}/*", f"/{number}")
    result = invalidates.command("invalidate", "ls", ID, "-o", "json", endpoint=invalidates.far_side.url)
    rows: list[dict[str, Any]] = result.json["invalidations"]
    assert [row["id"] for row in rows] == [f"IOTHER{number:06d}" for number in range(119, 99, -1)]
    assert (rows[0]["paths"], rows[0]["wildcards"], rows[0]["status"]) == (2, 1, "InProgress")
    text = invalidates.command("invalidate", "ls", ID, "--limit", "101", endpoint=invalidates.far_side.url).out
    assert len(text.splitlines()) == 102


def test_status_can_wait(invalidates: Invalidates) -> None:
    invalidates.execute("/a")
    (made,) = invalidates.far_side.memory.made
    asked = ("invalidate", "status", ID, made.id, "--wait", "-o", "json")
    late = invalidates.command(*asked, "--timeout", "1s", endpoint=invalidates.far_side.url)
    assert (late.code, late.json["status"]) == (5, "stopped")
    process = invalidates.command.start(*asked, endpoint=invalidates.far_side.url)
    looks = len(invalidates.far_side.memory.requests) + 3
    invalidates.far_side.wait_until(lambda memory: len(memory.requests) >= looks)
    invalidates.far_side.complete()
    done = invalidates.command.finish(process)
    assert (done.code, done.json["invalidations"][0]["status"]) == (0, "Completed")


def test_help_is_that_of_invalidating_and_names_the_others(cncbops: Cncbops) -> None:
    result = cncbops("invalidate", "--help")
    assert (result.code, "Usage: cncbops invalidate [OPTIONS] DISTRIBUTION PATH..." in result.out) == (0, True)
    assert ("cncbops invalidate ls E" in result.out, "cncbops invalidate status E" in result.out) == (True, True)
    assert "--collapse" in result.out
    wrong = cncbops("invalidate", "--colapse", "3")
    assert (wrong.code, "`cncbops invalidate --help`" in wrong.err) == (2, True)
