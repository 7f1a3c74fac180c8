"""`cncbops resubmit`: the events of faults to the functions that raised them.

This file declares the options and no more, so that help and completion load no AWS library;
`_resubmitting` does the rest.
"""

from typing import Annotated

import typer

from . import _options as shared
from ._examples import examples
from ._forms import duration
from ._options import option

app = typer.Typer(add_completion=False)


@app.command(
    epilog=examples(
        ("What would go where", "cncbops resubmit s3://my-faults/ --from -1d"),
        (
            "One cause, as `faults stats` names it; ten of it first",
            "cncbops resubmit s3://my-faults/ --group 3f9c2ab41d07 --canary 10 --execute",
        ),
        (
            "A dead-letter queue, whose messages name no function",
            "cncbops resubmit sqs://my-dlq -f my-listener --execute",
        ),
    )
)
def resubmit(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE...",
            help="s3://bucket/prefix, sqs://QUEUE, a local file or folder, or - for a list of them on standard input.",
            show_default=False,
        ),
    ] = None,
    stage: shared.Stage = None,
    bucket: shared.Bucket = None,
    prefix: shared.Prefix = "",
    inventory: shared.Inventory = None,
    only_function: shared.OnlyFunction = None,
    error: shared.Error = None,
    types: shared.FaultType = None,
    pipeline: shared.Pipeline = None,
    from_time: shared.FaultFrom = None,
    to_time: shared.FaultTo = None,
    group: shared.Group = None,
    limit: Annotated[int | None, option("--limit", help="At most so many faults.", panel=shared.FAULTS, min=1)] = None,
    again: Annotated[
        bool,
        option("--again", help="Also faults that were sent before, or came back after that.", panel=shared.FAULTS),
    ] = False,
    function: Annotated[
        str | None,
        option("--function", "-f", help="All to this function, whichever raised them.", panel=shared.WHERETO),
    ] = None,
    renamed: Annotated[
        list[str] | None,
        option("--map", help="OLD=NEW: faults of function OLD go to NEW; repeatable.", panel=shared.WHERETO),
    ] = None,
    qualifier: Annotated[
        str | None, option("--qualifier", help="To this version or alias of each function.", panel=shared.WHERETO)
    ] = None,
    one_by_one: Annotated[
        bool,
        option("--one-by-one", help="An invocation for each fault: share none.", panel=shared.DELIVERY),
    ] = False,
    batch_size: shared.BatchSize = None,
    concurrency: shared.Concurrency = None,
    rate: shared.Rate = None,
    cluster: shared.ClusterAddress = None,
    workers: shared.Workers = None,
    asynchronous: shared.Asynchronous = False,
    ordered: shared.Ordered = True,
    max_attempts: shared.MaxAttempts = None,
    bisect: shared.Bisect = True,
    on_unknown: shared.OnUnknownOption = shared.OnUnknown.retry,
    max_failures: shared.MaxFailures = None,
    max_duration: shared.MaxDuration = None,
    stop_on_alarm: shared.StopOnAlarm = None,
    canary: Annotated[
        int | None,
        option(
            "--canary",
            help="Send so many faults of each function first; go on only if all succeed.",
            panel=shared.SAFETY,
            min=1,
        ),
    ] = None,
    watch_faults: Annotated[
        bool,
        option(
            "--watch-faults", help="Read the sources again at the end: what came back as a fault?", panel=shared.SAFETY
        ),
    ] = False,
    watch_for: Annotated[
        str | None,
        option(
            "--watch-for",
            help="How long to look for that: 10s (the default), 5m.",
            panel=shared.SAFETY,
            callback=duration,
        ),
    ] = None,
    resume: Annotated[
        str | None,
        option(
            "--resume", help="Go on with this run, as `cncbops runs resume` does.", panel=shared.RUNS, is_eager=True
        ),
    ] = None,
    report: shared.Report = None,
    execute: shared.Execute = False,
    output: shared.OutputOption = shared.Output.text,
    quiet: shared.Quiet = False,
    verbose: shared.Verbose = False,
    state_dir: shared.StateDir = None,
    region: shared.Region = None,
    profile: shared.Profile = None,
    role_arn: shared.RoleArn = None,
    endpoint_url: shared.EndpointUrl = None,
    config: shared.Config = None,
) -> int:
    """Send the events of faults again, each to the function that raised it, and each once.

    A dry-run unless --execute is given: it reads, chooses and batches as the run would, and shows
    the plan. See what there is by `cncbops faults stats`.
    """
    from ._faults_asked import Choice
    from ._requests import Delivery, SafetyStops
    from ._resubmitting import Resubmitting, Whereto, carry_out
    from ._staged import staged
    from ._workplace import Workplace

    choice = Choice(
        sources, bucket, prefix, only_function, error, types, pipeline, group, from_time, to_time, inventory
    )
    delivery = Delivery(
        batch_size=batch_size,
        concurrency=concurrency,
        rate=rate,
        asynchronous=asynchronous,
        ordered=ordered,
        max_attempts=max_attempts,
        bisect=bisect,
        on_unknown=on_unknown.value,
    )
    general = shared.General(
        output is shared.Output.json, quiet, verbose, state_dir, execute, region, profile, role_arn, endpoint_url
    )
    typed = Resubmitting(
        choice=choice,
        limit=limit,
        again=again,
        whereto=Whereto(function, tuple(renamed or ()), qualifier),
        one_by_one=one_by_one,
        delivery=delivery,
        safety=SafetyStops(max_failures, max_duration, tuple(stop_on_alarm or ()), canary),
        watch=(watch_for or "10s") if watch_faults or watch_for else None,
        resume=resume,
        report=report,
        at=Workplace(workers, cluster),
        stage=staged(stage, config),
    )
    return carry_out(typed, general)
