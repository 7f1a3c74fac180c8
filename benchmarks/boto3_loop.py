"""A plain loop with boto3 and 16 threads, as one writes it in an afternoon: `python -m benchmarks.boto3_loop`.

It reads a few objects ahead and keeps a bounded number of invocations in flight; no order, no ledger, no retries
of its own. The envelope is all that it knows.
"""

import base64
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from time import perf_counter
from typing import Any, TypeVar

import boto3
import orjson
from botocore.config import Config

from benchmarks.rewrapping import plain
from benchmarks.work import Done, Work, do

THREADS = 16
_T = TypeVar("_T")
_R = TypeVar("_R")


def boto3_loop(work: Work) -> Done:
    """List, get, decode, wrap, invoke."""
    config = Config(max_pool_connections=THREADS, s3={"addressing_style": "path"})
    s3 = boto3.client("s3", endpoint_url=work.endpoint, config=config)
    function = boto3.client("lambda", endpoint_url=work.endpoint, config=config)
    start = perf_counter()
    with ThreadPoolExecutor(4) as readers, ThreadPoolExecutor(THREADS) as senders:
        objects = _ahead(readers, partial(_records, s3, work.bucket), _keys(s3, work.bucket))
        records = (record for found in objects for record in found)
        batches = iter(lambda: list(islice(records, work.batch)), [])
        sizes = list(_ahead(senders, partial(_invoke, function, work.function), batches))
    return Done(sum(sizes), len(sizes), perf_counter() - start)


def _ahead(pool: ThreadPoolExecutor, do_one: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """The results in order, with a bounded number of calls under way."""
    waiting: deque[Future[_R]] = deque()
    for item in items:
        waiting.append(pool.submit(do_one, item))
        if len(waiting) >= THREADS * 2:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _keys(s3: Any, bucket: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", ()):
            yield found["Key"]


def _records(s3: Any, bucket: str, key: str) -> list[dict[str, Any]]:
    content = plain(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return [_record(orjson.loads(line)) for line in content.split(b"\n") if line]


def _record(line: dict[str, Any]) -> dict[str, Any]:
    kinesis = line["kinesisRecordMetadata"]
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": kinesis["partitionKey"],
            "sequenceNumber": kinesis["sequenceNumber"],
            "data": base64.b64encode(orjson.dumps(line["event"])).decode(),
            "approximateArrivalTimestamp": kinesis["approximateArrivalTimestamp"] / 1000,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{kinesis['shardId']}:{kinesis['sequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::000000000000:role/unknown",
        "awsRegion": line["firehoseRecordMetadata"]["region"],
        "eventSourceARN": line["firehoseRecordMetadata"]["deliveryStreamArn"],
    }


def _invoke(function: Any, name: str, records: list[dict[str, Any]]) -> int:
    answer = function.invoke(FunctionName=name, Payload=orjson.dumps({"Records": records}))
    answer["Payload"].read()  # else the connection is not used again
    return len(records)


if __name__ == "__main__":
    do(boto3_loop)
