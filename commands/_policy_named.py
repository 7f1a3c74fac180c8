"""What a command line names, for its policy: read from its options by their names, which all commands share."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cncbops.aws import Aws, AwsAccess
from cncbops.cdn.distribution import is_id
from cncbops.config import find_config
from cncbops.function_name import FunctionName, parse_function
from cncbops.health.naming import Naming, regions_named, regions_of
from cncbops.health.running import Region
from cncbops.lake.sources import S3Source, parse_source
from cncbops.ledger.rows import Run
from cncbops.plans.plan_file import PlanHeader, read_plan
from cncbops.policy.named import ANY, ANY_FUNCTION, ANY_PLACE, ANY_QUEUE, ANYTHING, Named
from cncbops.policy.needs import INVALIDATE, READ_QUEUE, READ_STREAM, Need
from cncbops.queues.source import QueueSource
from cncbops.request import ReplayRequest, ResubmitRequest
from cncbops.session.resuming import asked
from cncbops.watched import NAMES, Watched

from ._faults import place_apart
from ._requests import fault_sources_of, sources_of
from ._resuming import ledger_with
from ._screen import Screen, state_folder
from ._watched import texts_of

Params = Mapping[str, Any]

_ROLE = re.compile(r"arn:[^:]*:iam::(?P<account>[0-9]{12}):role/.*")
_GLOB = re.compile(r"[A-Za-z0-9_*?-]+")
"""What of a glob IAM understands in the same way; nothing else is in a function's name."""

_OF_SWITCH = ("checks", "alarms", "health_checks", "check_functions")


def named_by(params: Params, needs: Sequence[Need], account: str | None, screen: Screen) -> Named:
    """What the options of a command with these needs name. Raises BadInput for what cannot be meant."""
    if not needs:
        return Named()
    before = _before(params)
    named = _reached(params, account, before)
    if before:
        return _of_run(named, before) if isinstance(before, Run) else _of_request(named, before.request)
    if "run" in params:
        return _of_any_run(named, needs)
    if "health_checks" in params:
        return replace(named, regions=_regions(params, named), switched=params.get("name") or ANY)
    if "from_s3" in params or "distribution" in params or "typed" in params:
        return _by_distribution(named, params)
    if "recovery" in params:
        return _by_copies(named, params)
    return replace(
        _by_sources(named, params, screen, takes_queues=READ_QUEUE in needs),
        functions=_functions(params),
        streams=(ANY,) if READ_STREAM in needs else (),
    )


def _before(params: Params) -> Run | PlanHeader | None:
    """What was asked before, where a command line names that: a run of the ledger, or a plan. Raises BadInput."""
    if text := params.get("resume") or params.get("run"):
        with ledger_with(text, state_folder(params["state_dir"])) as ledger:
            return ledger.find(text)
    return read_plan(params["plan"]).header if params.get("plan") else None


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
        stage=params.get("stage"),
        alarms=bool(params.get("stop_on_alarm")),
    )


def _access_kept(before: Run | PlanHeader | None) -> Mapping[str, Any]:
    """How AWS was reached before."""
    if before is None:
        return {}
    return before.access if isinstance(before, Run) else vars(before)


def _by_sources(named: Named, params: Params, screen: Screen, *, takes_queues: bool) -> Named:
    """What is read, unless another role reads it."""
    if "sources" not in params or params.get("source_role_arn"):
        return named
    texts, bucket, prefix = tuple(params["sources"] or ()), params["bucket"], params["prefix"] or ""
    if not (texts or bucket or prefix):
        return replace(named, sources=(ANY_PLACE,), queues=(ANY_QUEUE,) if takes_queues else ())
    place = place_apart(texts[0]) if "fault_id" in params and len(texts) == 1 else None
    if place:
        texts = (place[1],)
    read = fault_sources_of if takes_queues else sources_of
    return _of_sources(named, read(texts, bucket, prefix, screen))


def _by_copies(named: Named, params: Params) -> Named:
    """Of a lake and its copy: the copy may be read under another role."""
    typed = [params["lake"], None if params["recovery_role_arn"] else params["recovery"]]
    read = [parse_source(each) for each in typed if each]
    return _of_sources(named, read if params["lake"] else [ANY_PLACE])


def _of_sources(named: Named, sources: Iterable[object]) -> Named:
    """What lies on this machine needs no permission."""
    all_of_them = list(sources)
    return replace(
        named,
        sources=tuple(each for each in all_of_them if isinstance(each, S3Source)),
        queues=tuple(each for each in all_of_them if isinstance(each, QueueSource)),
    )


def _functions(params: Params) -> tuple[FunctionName, ...]:
    if "function" not in params:
        return ()
    function = parse_function(params["function"]) if params["function"] else None
    if "only_function" not in params:
        return (function or ANY_FUNCTION,)
    renamed = [parse_function(each.partition("=")[2]) for each in params["renamed"] or ()]
    return _recipients(function, params["only_function"] or (), renamed, params["qualifier"])


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


def _by_distribution(named: Named, params: Params) -> Named:
    typed = [*(params.get("typed") or ()), *filter(None, [params.get("distribution")])]
    written = [parse_source(each) for each in params.get("from_s3") or ()]
    named = _of_sources(named, written)
    if named.stage is None and typed and is_id(typed[0]):
        return replace(named, distribution=typed[0])
    return replace(named, distribution=ANY, looks_up=named.stage is None)


def _regions(params: Params, named: Named) -> dict[str, Watched]:
    """What is watched in each region; of the region of a failover what its switch is, and hangs on it."""
    texts = texts_of(**{name: params[name] for name in NAMES if name in params})
    config, stage = params["config"], named.stage
    typed = params["regions"] if "regions" in params else [params["name"]] if params["name"] else []
    if not (texts or config or stage or find_config(Path.cwd())):
        return dict.fromkeys(typed or [named.region], ANYTHING)

    def of(regions: Sequence[str]) -> list[Region]:
        return regions_of(Naming(regions, config, stage, texts), Path.cwd(), lambda: named.region)

    watched = {region.name: _watched(region) for region in of(typed or [])}
    if "others" not in params:
        return watched
    others = params["others"] or regions_named(Naming([], config, stage, texts), Path.cwd())
    carriers = of([each for each in others if each not in typed]) if set(others) - set(typed) else []
    of_target = {name: _only(each, _OF_SWITCH) for name, each in watched.items()}
    return {**of_target, **{each.name: _watched(each) for each in carriers}}


def _watched(region: Region) -> Watched:
    """What is known to be watched; with what stacks will tell, anything."""
    return region.known | ANYTHING if region.looks else region.known


def _only(watched: Watched, names: Iterable[str]) -> Watched:
    return Watched.of({name: getattr(watched, name) for name in names})
