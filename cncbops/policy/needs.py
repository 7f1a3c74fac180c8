"""The table: which actions serve which need, and which needs each command has. One more command is one entry here.

Actions are IAM's, which are not always named as the calls: `HeadObject` needs s3:GetObject, `ListObjectsV2`
s3:ListBucket, `Invoke` with or without DryRun lambda:InvokeFunction, and `GetCallerIdentity` none. What is only asked
for better words of an error (`ListFunctions`, `ListQueues`) is no need. Source: AWS Service Authorization Reference.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from cncbops.policy import grants
from cncbops.policy.grants import Grant
from cncbops.policy.named import Named


@dataclass(frozen=True)
class Need:
    """What `actions` are needed for, by the `sid` of its statement, and on what. `executes`: not in a dry-run.

    `remark` says, where the need is in a policy, what the statement cannot.
    """

    sid: str
    actions: Sequence[str]
    on: Callable[[Named], Sequence[Grant]]
    executes: bool = False
    remark: str | None = None


_ANY_ALARM = "CloudWatch tells of composite alarms only where cloudwatch:DescribeAlarms is allowed on *"

LIST_SOURCES = Need("ListSources", ["s3:ListBucket"], grants.buckets)
READ_SOURCES = Need("ReadSources", ["s3:GetObject"], grants.objects)
READ_INVENTORY = Need("ReadInventory", ["s3:GetObject"], grants.inventories)
READ_FAULTS = replace(
    READ_SOURCES,
    remark="objects that faults name, such as claim checks, may lie in other buckets: give these as sources, too",
)
FIND_QUEUE = Need("FindQueue", ["sqs:GetQueueUrl"], grants.queues_by_name)
INSPECT_QUEUE = Need("InspectQueue", ["sqs:GetQueueAttributes"], grants.queues)
READ_QUEUE = Need("ReadQueue", ["sqs:ReceiveMessage", "sqs:ChangeMessageVisibility"], grants.queues)
EMPTY_QUEUE = Need("EmptyQueue", ["sqs:DeleteMessage"], grants.queues, executes=True)
READ_STREAM = Need(
    "ReadStream",
    ["kinesis:DescribeStreamSummary", "kinesis:GetShardIterator", "kinesis:GetRecords"],
    grants.streams,
    remark="the statement ReadStream is for faults that name a range of a Kinesis stream in place of its records",
)

FIND_FUNCTION = Need("FindFunction", ["lambda:ListFunctions"], grants.functions_listed)
INSPECT_FUNCTION = Need(
    "InspectFunction", ["lambda:GetFunctionConfiguration", "lambda:GetFunctionEventInvokeConfig"], grants.functions
)
INSPECT_CONCURRENCY = Need("InspectConcurrency", ["lambda:GetFunctionConcurrency"], grants.whole_functions)
INSPECT_MAPPINGS = Need("InspectMappings", ["lambda:ListEventSourceMappings"], grants.mappings_listed)
INSPECT_FILTERS = Need("InspectFilters", ["lambda:GetEventSourceMapping"], grants.mappings_encrypted)
WATCH_ALARMS = Need("WatchAlarms", ["cloudwatch:DescribeAlarms"], grants.alarms, remark=_ANY_ALARM)
INVOKE = Need(
    "Invoke",
    ["lambda:InvokeFunction"],
    grants.functions,
    remark="a dry-run asks Lambda whether it might invoke, for which IAM knows no other action than Invoke's",
)

FIND_DISTRIBUTION = Need("FindDistribution", ["cloudfront:ListDistributions"], grants.distributions)
SEE_DISTRIBUTION = Need("SeeDistribution", ["cloudfront:GetDistribution"], grants.distribution)
LIST_INVALIDATIONS = Need("ListInvalidations", ["cloudfront:ListInvalidations"], grants.distribution)
SEE_INVALIDATIONS = Need("SeeInvalidations", ["cloudfront:GetInvalidation"], grants.distribution)
INVALIDATE = Need("Invalidate", ["cloudfront:CreateInvalidation"], grants.distribution, executes=True)

SEE_STAGE = Need("SeeStage", ["cloudformation:DescribeStacks"], grants.stacks)
SEE_STAGE_ALARM = Need("SeeStageAlarm", ["cloudformation:DescribeStackResource"], grants.stack_resources)
PROBE_ALARMS = Need("ProbeAlarms", ["cloudwatch:DescribeAlarms"], grants.watched_alarms, remark=_ANY_ALARM)
PROBE_HEALTH_CHECKS = Need(
    "ProbeHealthChecks",
    ["route53:GetHealthCheck", "route53:GetHealthCheckStatus"],
    grants.health_checks,
    remark="a calculated health check asks for its children: name them with --health-check, too",
)
PROBE_TABLES = Need("ProbeTables", ["dynamodb:GetItem", "dynamodb:DescribeTable"], grants.tables)
PROBE_GLOBAL_TABLES = Need(
    "ProbeGlobalTables",
    ["dynamodb:DescribeGlobalTable"],
    grants.global_tables,
    remark="the statement ProbeGlobalTables is for global tables of version 2017.11.29 alone",
)
WRITE_TABLES = Need("WriteTables", ["dynamodb:PutItem"], grants.tables, executes=True)
PROBE_STREAMS = Need("ProbeStreams", ["kinesis:DescribeStreamSummary"], grants.watched_streams)
PROBE_METRICS = Need("ProbeMetrics", ["cloudwatch:GetMetricData"], grants.metrics)
PROBE_FUNCTIONS = Need("ProbeFunctions", ["lambda:GetFunctionConfiguration"], grants.watched_functions)
FIND_QUEUES = Need("FindQueues", ["sqs:GetQueueUrl"], grants.watched_queues_by_name)
PROBE_QUEUES = Need("ProbeQueues", ["sqs:GetQueueAttributes"], grants.watched_queues)
PROBE_FAULTS = Need("ProbeFaults", ["s3:ListBucket"], grants.watched_faults)
SEE_SWITCH = Need("SeeSwitch", ["lambda:GetFunctionConfiguration"], grants.check_functions)
SWITCH = Need("Switch", ["lambda:UpdateFunctionConfiguration"], grants.switched_functions, executes=True)

COMPLETE = Need(
    "Complete",
    [
        *("s3:ListAllMyBuckets", "s3:ListBucket", "lambda:ListFunctions"),
        *("cloudformation:ListStacks", "cloudfront:ListDistributions"),
    ],
    grants.everything,
    remark="a shell completes without these permissions, too: only names that AWS does not tell are missing",
)
DECRYPT = Need("Decrypt", ["kms:Decrypt"], grants.keys)
"""Of every command that needs anything; where all is encrypted with keys of AWS's own, or none, it is not needed."""

_LAKE = (SEE_STAGE, LIST_SOURCES, READ_SOURCES, READ_INVENTORY)
_FAULTS = (SEE_STAGE, LIST_SOURCES, READ_FAULTS, FIND_QUEUE, INSPECT_QUEUE, READ_QUEUE)
_FUNCTIONS = (INSPECT_FUNCTION, INSPECT_CONCURRENCY, INSPECT_MAPPINGS, INSPECT_FILTERS)
_SEND = (WATCH_ALARMS, INVOKE)
_DISTRIBUTION = (SEE_STAGE, FIND_DISTRIBUTION, SEE_DISTRIBUTION)
_HANGS_ON_SWITCH = (SEE_STAGE, SEE_STAGE_ALARM, PROBE_ALARMS, PROBE_HEALTH_CHECKS)
_OTHERS = (
    *(PROBE_TABLES, PROBE_GLOBAL_TABLES, PROBE_STREAMS, PROBE_METRICS, PROBE_FUNCTIONS),
    *(FIND_QUEUES, PROBE_QUEUES, PROBE_FAULTS),
)
_RUN = (FIND_QUEUE, INSPECT_QUEUE, READ_STREAM, *_FUNCTIONS, *_SEND)

COMMANDS: Mapping[str, Sequence[Need]] = {
    "replay": (*_LAKE, FIND_FUNCTION, *_FUNCTIONS, *_SEND),
    "resubmit": (*_FAULTS, READ_INVENTORY, READ_STREAM, FIND_FUNCTION, *_FUNCTIONS, *_SEND, EMPTY_QUEUE),
    "invalidate": (*_DISTRIBUTION, LIST_SOURCES, LIST_INVALIDATIONS, SEE_INVALIDATIONS, INVALIDATE),
    "invalidate ls": (*_DISTRIBUTION, LIST_INVALIDATIONS, SEE_INVALIDATIONS),
    "invalidate status": (*_DISTRIBUTION, SEE_INVALIDATIONS),
    "health": (*_HANGS_ON_SWITCH, *_OTHERS, WRITE_TABLES),
    "failover status": (*_HANGS_ON_SWITCH, SEE_SWITCH),
    "failover out": (*_HANGS_ON_SWITCH, *_OTHERS, SEE_SWITCH, SWITCH),
    "failover back": (*_HANGS_ON_SWITCH, SEE_SWITCH, SWITCH),
    "faults ls": (*_FAULTS, READ_INVENTORY),
    "faults show": _FAULTS,
    "faults stats": (*_FAULTS, READ_INVENTORY),
    "runs resume": (
        *(LIST_SOURCES, READ_SOURCES, READ_INVENTORY, READ_QUEUE, *_RUN, EMPTY_QUEUE),
        *(LIST_INVALIDATIONS, SEE_INVALIDATIONS, INVALIDATE),
    ),
    "runs redrive": (READ_SOURCES, *_RUN),
    "lake ls": (SEE_STAGE, LIST_SOURCES, READ_INVENTORY),
    "lake cat": _LAKE,
    "lake find": _LAKE,
    "lake stats": _LAKE,
    "lake verify": _LAKE,
    "completion": (COMPLETE,),
    **dict.fromkeys(("runs ls", "runs show", "runs pause", "runs continue", "runs rate", "runs stop"), ()),
    **dict.fromkeys(("sandbox start", "sandbox stop", "sandbox status", "demo", "config show", "policy"), ()),
}
"""The needs of each command, none where it asks nothing of AWS. What is not named yields no statement."""
