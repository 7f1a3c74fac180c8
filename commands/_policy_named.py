"""What a command line names, for its policy: read from its options by their names, which all commands share."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cncbops.aws import Aws, AwsAccess
from cncbops.cdn.distribution import is_id, looks_like_distribution
from cncbops.faults.sources import source_text
from cncbops.function_name import FunctionName, parse_function
from cncbops.inventory.listed import listed_from
from cncbops.lake.sources import S3Source, parse_source
from cncbops.ledger.rows import Run
from cncbops.plans.plan_format import PlanHeader
from cncbops.plans.plan_reading import read_plan
from cncbops.policy.named import ANY, ANY_FUNCTION, ANY_PLACE, ANY_QUEUE, Named
from cncbops.policy.needs import INVALIDATE, READ_QUEUE, READ_STREAM, Need
from cncbops.queues.source import QueueSource
from cncbops.request import ReplayRequest, ResubmitRequest
from cncbops.session.resuming import asked
from cncbops.session.since import Following, run_to_follow
from cncbops.stage import is_whole

from ._faults import place_apart
from ._ledger import ledger_with
from ._policy_staged import Staged, staged
from ._policy_watched import by_regions
from ._requests import Choice, fault_sources_of, sources_of
from ._screen import Screen

Params = Mapping[str, Any]

_ROLE = re.compile(r"arn:[^:]*:iam::(?P<account>[0-9]{12}):role/.*")
_GLOB = re.compile(r"[A-Za-z0-9_*?-]+")
"""What of a glob IAM understands in the same way; nothing else is in a function's name."""


def named_by(params: Params, needs: Sequence[Need], account: str | None, screen: Screen) -> Named:
    """What the options of a command with these needs name. Raises BadInput for what cannot be meant."""
    if not needs:
        return Named()
    before = _before(params)
    followed = _followed(params)
    named = _reached(params, account, before or (followed and followed.run))
    if before:
        return _of_run(named, before) if isinstance(before, Run) else _of_request(named, before.request)
    if "run" in params:
        return _of_any_run(named, needs)
    stage = staged(params)
    if "health_checks" in params:
        return by_regions(named, params, stage)
    if "from_s3" in params or "distribution" in params or "typed" in params:
        return _by_distribution(named, params, stage)
    if "recovery" in params:
        return _by_copies(named, params, stage)
    if followed and not stage:
        params = {**params, **_typed_then(params, followed.request)}
    named = _by_sources(named, params, screen, stage, takes_queues=READ_QUEUE in needs)
    return replace(_with_functions(named, params, stage), streams=(ANY,) if READ_STREAM in needs else ())


def _before(params: Params) -> Run | PlanHeader | None:
    """What was asked before, where a command line names that: a run of the ledger, or a plan. Raises BadInput."""
    if text := params.get("resume") or params.get("run"):
        with ledger_with(text, params["state_dir"]) as ledger:
            return ledger.find(text)
    return read_plan(params["plan"]).header if params.get("plan") else None


def _followed(params: Params) -> Following | None:
    """The replay that another follows, which is to send what has arrived since. Raises BadInput."""
    text = params.get("since_run")
    if not text:
        return None
    function = parse_function(params["function"]) if params["function"] else None
    choice = Choice.typed(*(params[name] for name in Choice.__struct_fields__))
    with ledger_with(text, params["state_dir"]) as ledger:
        return run_to_follow(ledger, text, function, choice.selection(), choice.family)


def _typed_then(params: Params, request: ReplayRequest) -> Params:
    """What was asked then of what is not typed now: sources and function."""
    function = request.function
    name = f"{function.address}:{function.qualifier}" if function.qualifier else function.address
    filled: dict[str, Any] = {} if params["function"] else {"function": name}
    if not (params["sources"] or params["bucket"]):
        filled["sources"] = list(map(source_text, request.sources))
    return filled


def _reached(params: Params, account: str | None, before: Run | PlanHeader | None) -> Named:
    """How AWS is reached, as typed, else as it was before; of what is named nothing yet."""
    kept = _access_kept(before)
    aws = Aws(AwsAccess(region=params.get("region") or kept.get("region"), profile=params.get("profile")))
    role_arn = params.get("role_arn") or kept.get("role_arn")
    role = _ROLE.fullmatch(role_arn or "")
    return Named(
        region=aws.known_region or ANY,
        account=account or (role["account"] if role else ANY),
        role_arn=role_arn,
        reader_arn=params.get("source_role_arn") or kept.get("source_role_arn"),
        alarms=bool(params.get("stop_on_alarm")),
    )


def _access_kept(before: Run | PlanHeader | None) -> Mapping[str, Any]:
    """How AWS was reached before."""
    if before is None:
        return {}
    return before.access if isinstance(before, Run) else vars(before)


def _by_sources(named: Named, params: Params, screen: Screen, stage: Staged | None, *, takes_queues: bool) -> Named:
    if "sources" not in params:
        return named
    texts, bucket, prefix = tuple(params["sources"] or ()), params["bucket"], params["prefix"] or ""
    if not (texts or bucket):
        if stage:
            return _by_stage(named, stage, params, ["faults"] if takes_queues else ["lake", "prefix"])
        return _of_sources(named, _listed([S3Source(ANY, prefix), *([ANY_QUEUE] if takes_queues else [])], params))
    place = place_apart(texts[0]) if "fault_id" in params and len(texts) == 1 else None
    if place:
        texts = (place[1],)
    read = fault_sources_of if takes_queues else sources_of
    return _of_sources(named, _listed(read(texts, bucket, prefix, screen), params))


def _listed(sources: Iterable[object], params: Params) -> Iterable[object]:
    """The sources, those in S3 to be listed as typed. Raises BadInput."""
    return listed_from(sources, params.get("inventory"))


def _by_stage(named: Named, stage: Staged, params: Params, things: Sequence[str]) -> Named:
    """The stage's lake, or its place of faults: the bucket, and the folder in it unless a prefix is typed."""
    prefix = params["prefix"] or ""
    asked = things[:1] if prefix else things
    (bucket, *others), folder = stage.names(things[0], named.region), prefix
    if not prefix and "prefix" in things:
        (folder,) = stage.names("prefix", named.region)
    named = stage.asking(named, asked, named.region)
    place = S3Source(ANY if others else bucket, "" if folder == ANY else folder)
    return _of_sources(named, _listed([place], params))


def _by_copies(named: Named, params: Params, stage: Staged | None) -> Named:
    """Of a lake, which may be a stage's, and its copy, which may be read under another role."""
    lake, copy = params["lake"], params["recovery"]
    if stage and not copy:
        lake, copy = None, lake
    copies = [parse_source(copy)] if copy and not params["recovery_role_arn"] else []
    if stage and not lake:
        named = _by_stage(named, stage, {**params, "prefix": ""}, ["lake", "prefix"])
        return _of_sources(named, [*named.sources, *copies])
    return _of_sources(named, [*_listed([parse_source(lake) if lake else ANY_PLACE], params), *copies])


def _of_sources(named: Named, sources: Iterable[object]) -> Named:
    """What lies on this machine needs no permission, and what another role reads needs that of the other role."""
    all_of_them = list(sources)
    return replace(
        named,
        sources=tuple(each for each in all_of_them if isinstance(each, S3Source) and not named.reader_arn),
        queues=tuple(each for each in all_of_them if isinstance(each, QueueSource)),
    )


def _with_functions(named: Named, params: Params, stage: Staged | None) -> Named:
    """The functions that are typed, or may be meant by a part of a name, or are a stage's, or that raised faults."""
    if "function" not in params:
        return named
    text = params["function"]
    if stage and text and not is_whole(text, stage.stage.name):
        return replace(named, functions=(_with_part(text),), finds_function=True)
    function = parse_function(text) if text else None
    if "only_function" in params:
        renamed = [parse_function(each.partition("=")[2]) for each in params["renamed"] or ()]
        return replace(
            named, functions=_recipients(function, params["only_function"] or (), renamed, params["qualifier"])
        )
    if function is None and stage:
        named = stage.asking(named, ["function"], named.region)
        names = stage.names("function", named.region)
        return replace(named, functions=tuple(ANY_FUNCTION if name == ANY else parse_function(name) for name in names))
    return replace(named, functions=(function or ANY_FUNCTION,))


def _with_part(text: str) -> FunctionName:
    """The functions whose names hold a part, under the qualifier behind it. Raises BadInput for what can be none."""
    typed = parse_function(text)
    pattern = f"*{typed.name}*"
    return replace(typed, address=pattern, name=pattern)


def _recipients(
    function: FunctionName | None, raised_by: Sequence[str], renamed: Sequence[FunctionName], qualifier: str | None
) -> tuple[FunctionName, ...]:
    """The functions that faults go to: the one that is named, else those that raised them, or their new names.

    Who raised a fault may have done so as any version, unless the `qualifier` is given.
    """
    functions = [function] if function else [*_raising(raised_by), *renamed]
    if qualifier:
        functions = [replace(each, qualifier=qualifier) for each in functions]
    return tuple(dict.fromkeys(functions))


def _raising(globs: Sequence[str]) -> list[FunctionName]:
    if not globs or not all(map(_GLOB.fullmatch, globs)):
        return [ANY_FUNCTION]
    return [FunctionName(glob, glob, qualifier, None) for glob in globs for qualifier in (None, ANY)]


def _of_any_run(named: Named, needs: Sequence[Need]) -> Named:
    """What any run may have been asked."""
    anything = replace(named, sources=(ANY_PLACE,), queues=(ANY_QUEUE,), functions=(ANY_FUNCTION,))
    return replace(anything, streams=(ANY,), distribution=ANY if INVALIDATE in needs else None)


def _of_run(named: Named, run: Run) -> Named:
    """What a run was asked; a failover is not gone on with like that."""
    if run.is_act:
        return replace(named, distribution=run.function) if run.command == "invalidate" else named
    return _of_request(named, asked(run))


def _of_request(named: Named, request: ReplayRequest | ResubmitRequest) -> Named:
    named = replace(_of_sources(named, request.sources), alarms=named.alarms or bool(request.safety.alarms))
    if isinstance(request, ReplayRequest):
        return replace(named, functions=(request.function,))
    renamed = [new for _, new in request.renames]
    functions = _recipients(request.function, request.choice.functions, renamed, request.qualifier)
    return replace(named, functions=functions, streams=(ANY,))


def _by_distribution(named: Named, params: Params, stage: Staged | None) -> Named:
    typed = [*(params.get("typed") or ()), *filter(None, [params.get("distribution")])]
    named = _of_sources(named, map(parse_source, params.get("from_s3") or ()))
    if stage and not (typed and looks_like_distribution(typed[0])):
        (first, *others) = stage.names("distribution", named.region)
        return replace(stage.asking(named, ["distribution"], named.region), distribution=ANY if others else first)
    if typed and is_id(typed[0]):
        return replace(named, distribution=typed[0])
    return replace(named, distribution=ANY, looks_up=True)
