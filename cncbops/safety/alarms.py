"""CloudWatch alarms that stop a run while they are in ALARM.

A run must not go on blind: alarms that cannot be read, or are there no more, stop it as well, once
that has lasted. An alarm without enough data says nothing and stops nothing.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from cncbops.alarms import NAMES_PER_CALL, Alarm, describe_alarms
from cncbops.aws_errors import explain
from cncbops.errors import CannotRun, CncbopsError

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

ALARM_BLIND_S = 60
"""How long a run goes on without a complete look at its alarms."""


class AlarmWatch:
    """Looks at the alarms of these names, in the client's region.

    Make it, and call `require_known`, when the run begins: from then on counts how long it was blind.
    """

    def __init__(
        self, client: "CloudWatchClient", names: Sequence[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._names = names
        self._clock = clock
        self._seen_at = clock()

    def require_known(self) -> None:
        """Raise CannotRun if one of the alarms does not exist, CncbopsError if they cannot be read."""
        self._require(self._read())
        self._seen_at = self._clock()

    def check(self) -> str | None:
        """Why the run must stop, in one line; None to go on."""
        try:
            alarms = self._read()
            raised = [alarm for alarm in alarms if alarm.state == "ALARM"]
            if raised:
                return f"alarm {raised[0].name} is in ALARM: {raised[0].reason}"
            self._require(alarms)
        except CncbopsError as error:
            return self._blindness(error)
        self._seen_at = self._clock()
        return None

    def _blindness(self, error: CncbopsError) -> str | None:
        blind_s = self._clock() - self._seen_at
        return f"alarms cannot be read for {blind_s:.0f} s: {error.what}" if blind_s >= ALARM_BLIND_S else None

    def _require(self, alarms: Iterable[Alarm]) -> None:
        missing = sorted(set(self._names) - {alarm.name for alarm in alarms})
        if missing:
            raise CannotRun(
                f"there is no CloudWatch alarm {' or '.join(missing)} in {self._client.meta.region_name}",
                "Check name and region; a composite alarm is only seen with cloudwatch:DescribeAlarms on *",
            )

    def _read(self) -> list[Alarm]:
        parts = [self._names[at : at + NAMES_PER_CALL] for at in range(0, len(self._names), NAMES_PER_CALL)]
        try:
            return [alarm for names in parts for alarm in describe_alarms(self._client, AlarmNames=names)]
        except (BotoCoreError, ClientError) as error:
            raise explain(error, "read the alarms") from error
        except ResponseParserError as error:
            raise CannotRun("cannot read the alarms: no answer of CloudWatch's", "Check --endpoint-url") from error
