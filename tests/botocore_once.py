"""Lets botocore work out once in a process what it does for each session and client anew: most of what they cost.

What is kept follows from the descriptions of services, which nobody changes, and from names: a client is the same.
Of the tests' own processes and of the one that commands are forked from; `e2e/test_startup.py` has them without it.
"""

import functools
from collections.abc import Callable, Hashable
from typing import Any

from botocore import client, endpoint_provider, hooks, loaders

from cncbops.descriptions import FileReader

CHANGED = "service-2"
"""The files that clients change when they have read them: who asks for one gets it as it is."""


def keep() -> None:
    """Have what is worked out from now on kept; for once in a process."""
    for reader in (FileReader, loaders.JSONFileLoader):
        once(reader, "load_file", lambda _, path: None if path.endswith(CHANGED) else path)
    once(client.ClientCreator, "_load_service_model", _of_model)
    once(endpoint_provider, "RuleSet", lambda **data: id(data["rules"]))  # which lives as long as its file is kept
    once(hooks.EventAliaser, "_alias_event_name", lambda _, name: name)
    hooks.accepts_kwargs = _told_by_code(hooks.accepts_kwargs)


def once(owner: Any, name: str, key: Callable[..., Hashable]) -> None:
    """Let what a method or function gives be worked out once for each key of its arguments; without one each time."""
    work_out, known = getattr(owner, name), dict[Hashable, Any]()

    @functools.wraps(work_out)
    def kept(*arguments: Any, **named: Any) -> Any:
        asked = key(*arguments, **named)
        if asked is None:
            return work_out(*arguments, **named)
        if asked not in known:
            known[asked] = work_out(*arguments, **named)
        return known[asked]

    setattr(owner, name, kept)


def _of_model(creator: Any, service: str, version: str | None = None) -> Hashable:
    return tuple(creator._loader.search_paths), service, version


def _told_by_code(told: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same for all functions of one code: methods of many clients are alike, and none is kept alive."""
    known = dict[Any, Any]()

    def of(function: Any) -> Any:
        code = getattr(function, "__code__", None)
        if code is None:
            return told(function)
        if code not in known:
            known[code] = told(function)
        return known[code]

    return of
