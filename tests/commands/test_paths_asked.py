"""What is wrong with a command line of `invalidate` is told before anything is asked of AWS."""

import re
from pathlib import Path
from typing import Any

import pytest
from cncbops.commands._paths_asked import Asked, checked
from cncbops.commands._staged import Staged

from cncbops.errors import BadInput

ID = "E2EXAMPLE1234X"
JOHN = Staged("john")


def asked(*typed: str, **changed: Any) -> Asked:
    nothing = {"files": (), "buckets": (), "since": None, "notifications": (), "tags": ()}
    options: dict[str, Any] = {"stage": None, **nothing, "collapse": None, "wait": False, "timeout": "30m", **changed}
    return Asked(typed, **options)


@pytest.mark.parametrize("name", [ID, ID.lower(), "api.example.com", "API.Example.com", "index.html"])
def test_beside_a_stage_what_looks_like_a_distribution_is_the_one_that_is_meant(name: str) -> None:
    typed = checked(asked(name, "/a", stage=JOHN))
    assert (typed.named, typed.items) == (name, [("command line", ["/a"])])
    path = checked(asked(f"/{name}", "things", stage=JOHN))
    assert (path.named, path.items) == (None, [("command line", [f"/{name}", "/things"])])


@pytest.mark.parametrize(("typed", "stage"), [([ID], None), ([], JOHN)])
def test_no_source_of_paths_is_a_mistake_and_an_empty_one_is_none(
    typed: list[str], stage: Staged | None, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=re.escape("Give paths such as /things/42")) as raised:
        checked(asked(*typed, stage=stage))
    assert all(f"--{name}" in raised.value.next_step for name in ("tag", "from-file", "from-s3", "from-notification"))
    empty = tmp_path / "empty"
    empty.write_text("")
    assert checked(asked(*typed, stage=stage, files=(str(empty),))).items == [(str(empty), [])]
