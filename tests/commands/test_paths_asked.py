"""What is wrong with a command line of `invalidate` is told before anything is asked of AWS."""

import re
from typing import Any

import pytest
from cncbops.commands._paths_asked import Asked, checked

from cncbops.errors import BadInput

ID = "E2EXAMPLE1234X"


def asked(*typed: str, **changed: Any) -> Asked:
    nothing = {"files": (), "buckets": (), "since": None, "notifications": (), "tags": ()}
    options: dict[str, Any] = {"stage": None, **nothing, "collapse": None, "wait": False, "timeout": "30m", **changed}
    return Asked(typed, **options)


@pytest.mark.parametrize("name", [ID, ID.lower(), "api.example.com", "API.Example.com", "index.html"])
def test_with_a_stage_nothing_else_may_look_like_a_distribution(name: str) -> None:
    told = re.escape(f"Leave it out, or --stage; if it is a path, write /{name}")
    with pytest.raises(BadInput, match=told):
        checked(asked(name, "/a", stage="john"))
    assert checked(asked(f"/{name}", "things", stage="john")).items == [("command line", [f"/{name}", "/things"])]
