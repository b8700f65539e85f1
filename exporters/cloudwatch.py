"""CloudWatch: fleet aggregates beside the customer's own alarms.

Watches events, incidents and rollups. Emits, a minute, counts by kind and the windows of each gateway, PoP and model.
Promises one final datum for each metric, dimensions and minute, to be read with Maximum: a minute's events are held,
uncommitted, until it is over for every shard. Cannot correct: a rollup's later revisions are left out, and a percentile
cannot be had from statistics.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from exporters.aws import fate
from exporters.cloudwatch_data import (
    CALL_BYTES,
    DATA_COUNT,
    Datum,
    check_namespace,
    complaint,
    parameters,
    size_bytes,
    window_data,
)
from exporters.contract.sink import Refusal, Written
from exporters.delivery import Recent, cut, isolate
from exporters.directory import Directory
from exporters.minute_counts import MinuteCounts
from exporters.reading import FINDING_TOPICS, Reading, read_all, refusals
from ingest.contract.bus import Fatal, Message
from ingest.contract.frame import Rejected, RejectReason
from ingest.contract.instants import NS_PER_S
from ingest.contract.topics import Topic


@dataclass(frozen=True, slots=True)
class _Put:
    datum: Datum
    message: Message
    is_count: bool


class CloudWatchSink:
    """Puts data into a namespace.

    Args:
        client: boto3's client of `cloudwatch`, which tries once.
        namespace: Where they go.
        directory: Ids for indexes.
        now_ns: The wall's clock; CloudWatch judges a datum's age by it.

    Raises:
        Fatal: The namespace cannot have that name, or is not ours.
        Retry: CloudWatch is away.
    """

    topics: tuple[Topic, ...] = FINDING_TOPICS

    def __init__(self, client: Any, namespace: str, directory: Directory, *, now_ns: Callable[[], int]) -> None:
        self._client = client
        self._namespace = namespace
        self._directory = directory
        self._now_ns = now_ns
        self._counts = MinuteCounts()
        self._put_lately = Recent()
        self._refused: list[Refusal] = []
        self._is_known = False
        wrong = check_namespace(namespace)
        if wrong:
            raise Fatal(f"EXPORTERS_CLOUDWATCH_NAMESPACE: {wrong}")

    def write(self, messages: Sequence[Message]) -> Written:
        """Put what is final; what belongs to a minute that is not over is held."""
        readings = list(read_all(messages, self._directory))
        for reading in readings:
            self._counts.hear(reading)
        for call in cut(
            self._data(readings), count=DATA_COUNT, size=CALL_BYTES, size_of=lambda put: size_bytes(put.datum)
        ):
            self._refused += [_refusal(put, why) for put, why in isolate(call, self._put)]
            for put in call:
                self._note(put)
        # What was refused before a Retry is noted and does not come again: it waits here for the attempt that succeeds.
        refused, self._refused = refusals(readings) + self._refused, []
        return Written(refused=refused, held=self._counts.held())

    def close(self) -> None:
        """Let go of the connections; what is held is counted again after a restart."""
        self._client.close()

    def _data(self, readings: Sequence[Reading]) -> list[_Put]:
        good = []
        for put in self._candidates(readings):
            wrong = complaint(put.datum, self._now_ns())
            if wrong is None:
                good.append(put)
            else:
                refusal = Refusal(message=put.message, rejected=wrong, value=msgspec.json.encode(put.datum))
                self._refused.append(refusal)
                self._note(put)
        return good

    def _candidates(self, readings: Sequence[Reading]) -> Iterator[_Put]:
        for reading in readings:
            rollup = reading.rollup
            if rollup is not None and rollup.header.revision == 1:
                for datum in window_data(rollup, self._directory.names(0)):
                    if _identity(datum) not in self._put_lately:
                        yield _Put(datum, reading.message, is_count=False)
        if readings:
            for datum in list(self._counts.due()):
                yield _Put(datum, readings[-1].message, is_count=True)

    def _note(self, put: _Put) -> None:
        if put.is_count:
            self._counts.told(put.datum)
        else:
            self._put_lately.add(_identity(put.datum))

    def _put(self, call: Sequence[_Put]) -> None:
        data = [{**parameters(put.datum), "Timestamp": _time(put.datum.at_ns)} for put in call]
        try:
            self._client.put_metric_data(Namespace=self._namespace, MetricData=data)
        except (ClientError, BotoCoreError) as error:
            raise fate(error, "cloudwatch", is_known=self._is_known) from error
        self._is_known = True


def _identity(datum: Datum) -> tuple[Any, ...]:
    return datum.metric, datum.dimensions, datum.at_ns


def _time(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns // NS_PER_S, tz=UTC)


def _refusal(put: _Put, why: str) -> Refusal:
    rejected = Rejected(reason=RejectReason.SINK_REFUSED, detail=why)
    return Refusal(message=put.message, rejected=rejected, value=msgspec.json.encode(put.datum))
