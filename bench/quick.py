"""One run, one broker, one machine: our worker beside a plain Faust agent and Quix Streams; `make bench-quick`.

What they find is compared first; a rate of wrong answers would be worth nothing. The last line of stdout is one JSON
object; everything else goes to stderr. Rates by the wall are fair only while nobody else works on the machine: a
contestant whose `cpu_share` is low was kept waiting, by its engine or by others. Ratios by CPU do not suffer from that.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from bench.samples import NS_PER_S, PARTITION_COUNT, SHARD_COUNT, START_AT_NS, STAY_S, frames, inventory, records
from bench.stopwatch import RESULT
from ingest.contract.frame import decode
from ingest.contract.packing import inventory_records
from ingest.contract.topics import INGEST_TOPICS, TERMINAL_TELEMETRY, Topic
from streams.contract.catalogue import code_of
from streams.contract.events import EVENT_LAYOUTS, EventHeader
from streams.contract.topics import PARTIALS, SNAPSHOTS, STREAMS_TOPICS, TERMINAL_EVENTS
from tests.stack.servers import kafka as kafkas

# The smallest first: its first seconds are the samples that the peers get as JSON.
SECONDS_OF_ROWS = {100: 150, 400: 120, 5_000: 45}
PEERS_SECONDS = 45
# A race in which every terminal hands over every second, as all do at a slot's edge.
EDGES_SECONDS = 10
SEED = 1
FRESH = (TERMINAL_TELEMETRY, TERMINAL_EVENTS, PARTIALS, SNAPSHOTS)
_RACE_LIMIT_S = 120
_BEGAN_S = time.monotonic()
Handover = tuple[int, int, int, int]


class Course:
    """The broker, and what is on it."""

    def __init__(self, broker: kafkas.Kafka) -> None:
        self.bootstrap = broker.bootstrap
        self._broker = broker
        self._producer = KafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=5)
        broker.create_topics([*INGEST_TOPICS, *STREAMS_TOPICS, *map(_peer_topic, ("samples", "faust", "quix"))])

    def put_inventory(self, terminal_count: int) -> None:
        """Write an inventory; it only ever grows."""
        for record in inventory_records(inventory(terminal_count)):
            self._producer.send(record.topic.name, key=record.key, value=record.value)
        self._producer.flush()

    def put_frames(self, rows: int, seconds: int, stay_s: int = STAY_S) -> int:
        """Write the frames of one race onto fresh topics; return how many bytes they are."""
        with self._broker.admin() as admin:
            admin.delete_topics([topic.name for topic in FRESH])
        self._broker.create_topics(FRESH)
        byte_count = 0
        for second in frames(rows * SHARD_COUNT, seconds, SEED, stay_s):
            for record in second:
                byte_count += len(record.value)
                self._producer.send(record.topic.name, key=record.key, value=record.value, partition=record.partition)
        self._producer.flush()
        return byte_count

    def put_json(self, terminal_count: int) -> int:
        """Write the samples of the peers; return how many."""
        count = 0
        for terminal, value in records(terminal_count, PEERS_SECONDS, SEED):
            self._producer.send(
                "bench.samples", key=b"%d" % terminal, value=value, partition=terminal % PARTITION_COUNT
            )
            count += 1
        self._producer.flush()
        return count

    def read(self, topic: str) -> Iterable[bytes]:
        """Return every value of a topic."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, group_id=None)
        places = [TopicPartition(topic, partition) for partition in range(PARTITION_COUNT)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        while any(consumer.position(place) < end for place, end in ends.items()):
            for found in consumer.poll(timeout_ms=200).values():
                yield from (record.value for record in found)
        consumer.close()


def main() -> None:
    """Run the races and print the figures."""
    quix_python = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, kafkas.start(Path(folder)) as broker:
        course = Course(broker)
        smallest = min(SECONDS_OF_ROWS)
        json_count = course.put_json(smallest * SHARD_COUNT)
        say(f"{json_count} samples as JSON")
        faust = race("plain Faust", [sys.executable, "-m", "bench.plain_faust", broker.bootstrap, str(json_count)])
        quix = race("Quix Streams", [quix_python, "-m", "bench.quix", broker.bootstrap, str(json_count)])
        ours: dict[int, dict[str, Any]] = {}
        for rows, seconds in SECONDS_OF_ROWS.items():
            course.put_inventory(rows * SHARD_COUNT)
            frame_bytes = course.put_frames(rows, seconds)
            say(f"{rows * SHARD_COUNT * seconds} samples in frames of {rows} rows")
            samples = rows * SHARD_COUNT * seconds
            ours[rows] = race(f"ours at {rows} rows", worker("ours", samples), course)
            ours[rows]["frame_bytes_per_sample"] = round(frame_bytes / samples, 1)
            if rows == smallest:
                compare(course)
        bare = race(f"bare limit at {rows} rows", worker("bare", samples), course)
        course.put_frames(rows, EDGES_SECONDS, stay_s=1)
        edges = race("ours at slot edges only", worker("ours", rows * SHARD_COUNT * EDGES_SECONDS), course)
    print(json.dumps(figures(ours, faust, quix, bare, edges)))  # noqa: T201 - the one line that is asked for


def figures(
    ours: dict[int, dict[str, Any]],
    faust: dict[str, Any],
    quix: dict[str, Any],
    bare: dict[str, Any],
    edges: dict[str, Any],
) -> dict[str, Any]:
    """Put the figures together."""
    most_rows = max(ours)
    best = ours[most_rows]
    return {
        "samples_per_s": best["samples_per_s"],
        "ratio_plain_faust": round(best["samples_per_s"] / faust["samples_per_s"], 1),
        "ratio_quix": round(best["samples_per_s"] / quix["samples_per_s"], 1),
        "share_of_bare_limit": round(best["samples_per_s"] / bare["samples_per_s"], 3),
        "bytes_per_terminal": round(best["state_bytes"] / (most_rows * SHARD_COUNT), 1),
        "cpu_s_per_million": best["cpu_s_per_million"],
        "slot_edge_ratio": round(edges["cpu_s_per_million"] / best["cpu_s_per_million"], 2),
        "cpu_ratio_plain_faust": round(faust["cpu_s_per_million"] / best["cpu_s_per_million"], 1),
        "cpu_ratio_quix": round(quix["cpu_s_per_million"] / best["cpu_s_per_million"], 1),
        "rows": {str(rows): found for rows, found in ours.items()},
        "plain_faust": faust,
        "quix": quix,
        "bare": bare,
        "slot_edges": edges,
    }


def worker(module: str, samples: int) -> list[str]:
    """Return what runs one of ours."""
    return [sys.executable, "-m", f"bench.{module}", str(samples)]


def race(name: str, command: list[str], course: Course | None = None) -> dict[str, Any]:
    """Run a contestant to its end and return its figures."""
    with tempfile.NamedTemporaryFile(prefix="bench-result-") as result:
        settings = {RESULT: result.name}
        if course:
            settings |= {"STREAMS_KAFKA": course.bootstrap, "STREAMS_GROUP": f"bench-{time.time_ns()}"}
        subprocess.run(  # noqa: S603 - our own commands
            command, env={**os.environ, **settings}, stdout=sys.stderr, check=True, timeout=_RACE_LIMIT_S
        )
        found: dict[str, Any] = json.loads(Path(result.name).read_text())
    say(f"{name}: {found}")
    return found


def compare(course: Course) -> None:
    """Stop unless all three found the same handovers of the same samples."""
    ours = set(_our_handovers(course))
    for peer in ("bench.faust", "bench.quix"):
        values = map(json.loads, course.read(peer))
        theirs = {(found["terminal"], found["at_ns"], found["from"], found["to"]) for found in values}
        if theirs != ours or not ours:
            raise SystemExit(f"{peer} found {len(theirs)} handovers, we {len(ours)}; alike are {len(theirs & ours)}")
    say(f"all three found the same {len(ours)} handovers")


def _our_handovers(course: Course) -> Iterable[Handover]:
    end_at_ns = START_AT_NS + (PEERS_SECONDS - 1) * NS_PER_S
    code = code_of("handover")
    for value in course.read(TERMINAL_EVENTS.name):
        frame = decode(value, EVENT_LAYOUTS, EventHeader)
        names = ("subject_index", "started_at_ns", "from_satellite_index", "to_satellite_index", "event_code")
        for *handover, kind in zip(*(frame.column(name).tolist() for name in names), strict=True):  # type: ignore[union-attr]
            if kind == code and handover[1] <= end_at_ns:
                yield tuple(handover)


def _peer_topic(name: str) -> Topic:
    return Topic(name=f"bench.{name}", key="terminal", value="JSON", spread=TERMINAL_TELEMETRY.spread, description=".")


def say(line: str) -> None:
    """Tell a person, with the seconds of the process."""
    sys.stderr.write(f"[{time.monotonic() - _BEGAN_S:4.1f} s] {line}\n")


if __name__ == "__main__":
    main()
