"""Build the book's data lake, one stream processor and a fault monitor in an empty AWS account.

    stream ─▶ delivery stream ─ transformer ─▶ bucket (the lake)
        ├───▶ listener ─▶ view (a table of things), and the batches it took (another)
        │         └ faults, published to the stream
        └───▶ fault monitor ─▶ bucket (the faults)

Everything has the names the book's stacks give it for the stage `john`. Streams, tables and buckets are
made by such stacks, the rest through the ordinary APIs. Templates and functions lie in `cncbops.fixtures`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cncbops.sandbox.clients import Clients
from cncbops.sandbox.functions import ROLE_ARN, deploy, function_source
from cncbops.sandbox.stacks import create_stack
from cncbops.sandbox.waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_firehose.type_defs import ExtendedS3DestinationConfigurationTypeDef

STREAM = "john-cncb-event-stream-s1"
PREFIX = f"{STREAM}/"
BUCKET = "cncb-data-lake-s3-john-bucket-sandbox"
TRANSFORMER = "cncb-data-lake-s3-john-transformer"
DELIVERY_STREAM = "cncb-data-lake-s3-john-DeliveryStream"
LISTENER = "cncb-replaying-events-john-listener"
TABLE = "john-cncb-replaying-events-things"
BATCHES_TABLE = "john-cncb-replaying-events-batches"
FAULT_MONITOR = "cncb-resubmitting-faults-monitor-john-listener"
FAULT_BUCKET = "cncb-resubmitting-faults-monitor-john-bucket-sandbox"

_READY_S = 30.0


@dataclass(frozen=True, slots=True)
class SandboxContents:
    """What was built, by name."""

    stream: str
    stream_arn: str
    bucket: str
    prefix: str
    listener: str
    mapping_id: str
    fault_bucket: str

    @property
    def lake_uri(self) -> str:
        """Where the events of the stream are found."""
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def faults_uri(self) -> str:
        """Where the faults of the listener are found."""
        return f"s3://{self.fault_bucket}/"


def seed(clients: Clients) -> SandboxContents:
    """Build the lake, the listener with its view, and the fault monitor; return when all is ready for events."""
    stream_arn = create_stack(clients, "cncb-event-stream")["streamArn"]
    for service in ("cncb-data-lake-s3", "cncb-replaying-events", "cncb-resubmitting-faults-monitor"):
        create_stack(clients, service)
    transformer_arn = deploy(clients, TRANSFORMER, function_source("transformer"))
    environment = {"TABLE_NAME": TABLE, "BATCHES_TABLE_NAME": BATCHES_TABLE, "STREAM_NAME": STREAM}
    deploy(clients, LISTENER, function_source("listener"), environment=environment)
    deploy(clients, FAULT_MONITOR, function_source("fault_monitor"), environment={"BUCKET_NAME": FAULT_BUCKET})
    _create_delivery_stream(clients, stream_arn, transformer_arn)
    mapping_id = _create_mapping(clients, LISTENER, stream_arn)
    _create_mapping(clients, FAULT_MONITOR, stream_arn)
    return SandboxContents(
        stream=STREAM,
        stream_arn=stream_arn,
        bucket=BUCKET,
        prefix=PREFIX,
        listener=LISTENER,
        mapping_id=mapping_id,
        fault_bucket=FAULT_BUCKET,
    )


def _create_delivery_stream(clients: Clients, stream_arn: str, transformer_arn: str) -> None:
    clients.firehose.create_delivery_stream(
        DeliveryStreamName=DELIVERY_STREAM,
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": stream_arn, "RoleARN": ROLE_ARN},
        ExtendedS3DestinationConfiguration=_lake_destination(transformer_arn),
    )

    def active() -> bool:
        found = clients.firehose.describe_delivery_stream(DeliveryStreamName=DELIVERY_STREAM)
        return found["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE"

    _wait_for(DELIVERY_STREAM, active)


def _lake_destination(transformer_arn: str) -> "ExtendedS3DestinationConfigurationTypeDef":
    return {
        "BucketARN": f"arn:aws:s3:::{BUCKET}",
        "Prefix": PREFIX,
        "RoleARN": ROLE_ARN,
        "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 50},
        "CompressionFormat": "UNCOMPRESSED",
        "ProcessingConfiguration": {
            "Enabled": True,
            "Processors": [
                {
                    "Type": "Lambda",
                    "Parameters": [{"ParameterName": "LambdaArn", "ParameterValue": transformer_arn}],
                }
            ],
        },
    }


def _create_mapping(clients: Clients, function: str, stream_arn: str) -> str:
    mapping_id = clients.lambda_.create_event_source_mapping(
        FunctionName=function, EventSourceArn=stream_arn, BatchSize=100, StartingPosition="TRIM_HORIZON"
    )["UUID"]

    def enabled() -> bool:
        return clients.lambda_.get_event_source_mapping(UUID=mapping_id)["State"] == "Enabled"

    _wait_for(f"the mapping of {function}", enabled)
    return mapping_id


def _wait_for(name: str, ready: Callable[[], bool]) -> None:
    wait_until(ready, _READY_S, what=f"creating {name}", every_s=0.05)
