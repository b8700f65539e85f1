"""InfluxDB 2: events, incidents and windows as points for Flux and Grafana.

Watches events, incidents and rollups; ordinary handovers only when told (they are Parquet's). Emits line protocol in
batches of 5,000. Promises each `event_key` once, last revision: the same event has the same point. A line that InfluxDB
refuses (type conflict, beyond retention) is found by halving and goes to the dead letters. Cannot see a field that a
later revision took back: InfluxDB keeps the earlier value of a field that is left out.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from exporters.contract.sink import Refusal, Written
from exporters.delivery import RefusedWhole, RetryAfter, cut, isolate
from exporters.directory import Directory
from exporters.influx_points import event_line, incident_line, rollup_lines
from exporters.reading import FINDING_TOPICS, Reading, last_revisions, read_all, refusals
from exporters.routing import remarkable
from ingest.contract.bus import Fatal, Message, Retry
from ingest.contract.frame import Rejected, RejectReason
from ingest.contract.topics import Topic
from streams.contract.detail import encode_detail

BATCH_LINES = 5_000
BATCH_BYTES = 5_000_000
_DROPPED = re.compile(r"dropped=(\d+)")
_UNKNOWN_TO_IT = frozenset({401, 403, 404})
_REFUSES = frozenset({400, 413, 422})


@dataclass(frozen=True, slots=True)
class Destination:
    """Where points go, and how long a write may take."""

    url: str
    token: str
    org: str
    bucket: str
    gzip: bool = True
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    message: Message
    value: bytes


class InfluxSink:
    """Writes to a bucket.

    Raises:
        Fatal: The token, the organisation or the bucket is wrong.
        Retry: The server is away.
    """

    topics: tuple[Topic, ...] = FINDING_TOPICS

    def __init__(self, destination: Destination, directory: Directory, *, ordinary_handovers: bool = False) -> None:
        self._destination = destination
        self._directory = directory
        self._ordinary = ordinary_handovers
        self._client = InfluxDBClient(
            destination.url,
            destination.token,
            org=destination.org,
            enable_gzip=destination.gzip,
            timeout=int(destination.timeout_s * 1000),
        )
        self._write = self._client.write_api(write_options=SYNCHRONOUS)
        self._is_known = False
        self._send_text("# a comment: may we write?")  # an empty body is not gzipped, and a 500
        self._is_known = True

    def write(self, messages: Sequence[Message]) -> Written:
        """Write every point; nothing is held."""
        readings = list(read_all(messages, self._directory))
        refused = refusals(readings)
        for batch in cut(
            self._lines(readings), count=BATCH_LINES, size=BATCH_BYTES, size_of=lambda line: len(line.text)
        ):
            refused += [_refusal(line, why) for line, why in isolate(batch, self._send)]
        return Written(refused=refused)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _lines(self, readings: Iterable[Reading]) -> Iterator[_Line]:
        origin = {}
        events = []
        for reading in readings:
            message, value = reading.message, reading.message.value or b""
            for event in remarkable(reading.events, ordinary_too=self._ordinary):
                origin[event["event_key"]] = message
                events.append(event)
            if reading.incident is not None:
                yield _Line(incident_line(reading.incident), message, value)
            if reading.rollup is not None:
                for text in rollup_lines(reading.rollup, self._directory.names(0)):
                    yield _Line(text, message, value)
        for event in last_revisions(events):
            yield _Line(event_line(event), origin[event["event_key"]], encode_detail(event))

    def _send(self, lines: Sequence[_Line]) -> None:
        try:
            self._send_text("\n".join(line.text for line in lines))
        except RefusedWhole as refused:
            dropped = _DROPPED.search(refused.why)
            raise RefusedWhole(refused.why, every=dropped is not None and int(dropped[1]) == len(lines)) from refused

    def _send_text(self, text: str) -> None:
        try:
            self._write.write(self._destination.bucket, record=text.encode())
        except ApiException as error:
            raise self._fate(error) from error
        except (HTTPError, OSError) as error:
            raise Retry(f"influx {self._destination.url}: {error}") from error

    def _fate(self, error: ApiException) -> Exception:
        where = f"influx {self._destination.url} bucket {self._destination.bucket}: {error.status} {error.body}"
        if error.status in _REFUSES:
            return RefusedWhole(str(error.body))
        if error.status in _UNKNOWN_TO_IT and not self._is_known:
            return Fatal(f"{where}: check EXPORTERS_INFLUX_TOKEN, _ORG and _BUCKET")
        # Once it has let us in, a denial is somebody's mistake elsewhere: nothing may be lost while they mend it.
        return RetryAfter(where, _retry_after_s(error))


def _retry_after_s(error: ApiException) -> float:
    said = (error.headers or {}).get("Retry-After", "0")
    return float(said) if said.isdigit() else 0.0


def _refusal(line: _Line, why: str) -> Refusal:
    return Refusal(
        message=line.message, rejected=Rejected(reason=RejectReason.SINK_REFUSED, detail=why), value=line.value
    )
