"""The five sinks, how each is made from settings, and where each starts to read."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from exporters import aws
from exporters.cloudwatch import CloudWatchSink
from exporters.contract.sink import Place, Sink
from exporters.directory import Directory
from exporters.eventbridge import EventBridgeSink
from exporters.influx import Destination, InfluxSink
from exporters.log_reader import LogReader
from exporters.parquet import ParquetSink
from exporters.prometheus import PrometheusSink
from exporters.reading import EVENT_TOPICS, FINDING_TOPICS
from exporters.settings import Settings
from ingest.contract.topics import Topic
from streams.contract.topics import INCIDENTS, replayed


@dataclass(frozen=True)
class Recipe:
    """How to make a sink.

    Attributes:
        topics: What it reads.
        make: From settings, the directory and the committed offsets.
        starts: Where it reads on; a place that is absent is read from its beginning.
    """

    topics: tuple[Topic, ...]
    make: Callable[[Settings, Directory, Mapping[Place, int]], Any]
    starts: Callable[[Settings, Any, LogReader], Mapping[Place, int]]


def _from_committed(_: Settings, __: Sink, log: LogReader) -> Mapping[Place, int]:
    return log.committed()


def _from_files(_: Settings, sink: ParquetSink, __: LogReader) -> Mapping[Place, int]:
    return sink.reached()  # the files and not the group say how far they reach


def _from_lookback(settings: Settings, _: PrometheusSink, log: LogReader) -> Mapping[Place, int]:
    epoch = log.committed()
    back = log.offsets_at(int((time.time() - settings.prometheus_lookback_s) * 1000))
    events = {topic.name for topic in EVENT_TOPICS}
    starts = {p: min(at, back[p]) if replayed(p[0]) in events else at for p, at in epoch.items()}
    # What is open now may have been opened at any time; the topic is compacted, so all of it is little.
    return {p: at for p, at in starts.items() if replayed(p[0]) != INCIDENTS.name}


def _influx(settings: Settings, directory: Directory, _: Mapping[Place, int]) -> InfluxSink:
    destination = Destination(
        url=settings.influx_url,
        token=settings.influx_token.get_secret_value(),
        org=settings.influx_org,
        bucket=settings.influx_bucket,
        gzip=settings.influx_gzip,
        timeout_s=settings.destination_timeout_s,
    )
    return InfluxSink(destination, directory, ordinary_handovers=settings.influx_ordinary_handovers)


def _prometheus(settings: Settings, directory: Directory, committed: Mapping[Place, int]) -> PrometheusSink:
    return PrometheusSink(directory, committed, epoch_span_ms=int(settings.prometheus_epoch_s * 1000))


def _cloudwatch(settings: Settings, directory: Directory, _: Mapping[Place, int]) -> CloudWatchSink:
    return CloudWatchSink(
        _client("cloudwatch", settings), settings.cloudwatch_namespace, directory, now_ns=time.time_ns
    )


def _eventbridge(settings: Settings, directory: Directory, _: Mapping[Place, int]) -> EventBridgeSink:
    ordinary = settings.eventbridge_ordinary_handovers
    return EventBridgeSink(
        _client("events", settings), settings.eventbridge_bus, directory, ordinary_handovers=ordinary
    )


def _parquet(settings: Settings, directory: Directory, _: Mapping[Place, int]) -> ParquetSink:
    span_ms = int(settings.parquet_file_span_s * 1000)
    return ParquetSink(settings.parquet_folder, directory, file_rows=settings.parquet_file_rows, file_span_ms=span_ms)


def _client(service: str, settings: Settings) -> Any:
    return aws.client(
        service,
        region=settings.aws_region,
        endpoint=settings.aws_endpoint or None,
        timeout_s=settings.destination_timeout_s,
    )


SINKS: Mapping[str, Recipe] = {
    "influx": Recipe(FINDING_TOPICS, _influx, _from_committed),
    "prometheus": Recipe(FINDING_TOPICS, _prometheus, _from_lookback),
    "cloudwatch": Recipe(FINDING_TOPICS, _cloudwatch, _from_committed),
    "eventbridge": Recipe((*EVENT_TOPICS, INCIDENTS), _eventbridge, _from_committed),
    "parquet": Recipe(FINDING_TOPICS, _parquet, _from_files),
}
