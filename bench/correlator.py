"""How fast the correlator reads a burst of findings from a real broker: `python -m bench.correlator [EVENTS]`."""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from kafka import KafkaProducer

from bench.samples import NS_PER_S, PARTITION_COUNT, SHARD_COUNT, START_AT_NS, inventory
from ingest.contract.frame import encode
from ingest.contract.packing import Packer, Record, inventory_records
from ingest.contract.telemetry import GATEWAY
from ingest.contract.topics import INGEST_TOPICS, shard_key
from ingest.contract.vocabulary import SubjectKind
from streams.contract.catalogue import code_of
from streams.contract.events import EVENT, EventHeader, event_keys
from streams.contract.topics import STREAMS_TOPICS, TERMINAL_EVENTS
from streams.correlator_worker import CorrelatorWorker
from streams.settings import Settings
from tests.stack.servers import kafka as kafkas

TERMINAL_COUNT = 20_000
SECONDS = 120
LATENESS_NS = 30 * NS_PER_S
OUTAGE_S = 25
CALM_S = 60


def burst(event_count: int) -> Iterator[list[Record]]:
    """Yield what each second says: outages begin and end all over the network, then everything has passed."""
    rng = np.random.default_rng(1)
    each = event_count // (2 * SECONDS * SHARD_COUNT)
    packer = Packer(producer_id="gateways", shard_count=SHARD_COUNT, partition_count=PARTITION_COUNT)
    begun: dict[tuple[int, int], np.ndarray] = {}
    for second in range(SECONDS + OUTAGE_S + CALM_S):
        at_ns = START_AT_NS + second * NS_PER_S
        said = [packer.source(GATEWAY.kind, "feed", _gateways(at_ns), at_ns)]
        for shard in range(SHARD_COUNT):
            columns = {}
            if second < SECONDS:
                places = rng.choice(TERMINAL_COUNT // SHARD_COUNT, each, replace=False)
                begun[second, shard] = places
                columns = _events("outage_started", places * SHARD_COUNT + shard, at_ns - NS_PER_S)
            if (second - OUTAGE_S, shard) in begun:
                ended = _events("outage_ended", begun[second - OUTAGE_S, shard] * SHARD_COUNT + shard,
                                at_ns - (OUTAGE_S + 1) * NS_PER_S, at_ns)  # fmt: skip
                columns = {n: np.concatenate([columns[n], ended[n]]) for n in ended} if columns else ended
            said.append(_frame(shard, at_ns, columns))
        yield said


def _gateways(at_ns: int) -> dict[str, np.ndarray]:
    count = 1
    return {c.name: np.ones(count, c.numpy_type) for c in GATEWAY.columns if c.required} | {
        "gateway_index": np.arange(count, dtype=np.int32),
        "observed_at_ns": np.full(count, at_ns),
    }


def _events(kind: str, terminals: np.ndarray, started_at_ns: int, ended_at_ns: int = -1) -> dict[str, np.ndarray]:
    count = len(terminals)
    columns = {
        "revision": np.ones(count, np.int16),
        "event_code": np.full(count, code_of(kind), np.int16),
        "subject_kind": np.full(count, SubjectKind.TERMINAL, np.int8),
        "subject_index": terminals.astype(np.int32),
        "started_at_ns": np.full(count, started_at_ns),
        "ended_at_ns": np.full(count, ended_at_ns),
    }
    return {"event_key": event_keys(columns), **columns}


def _frame(shard: int, at_ns: int, columns: dict[str, np.ndarray]) -> Record:
    header = EventHeader(
        kind=EVENT.kind, version=EVENT.version, shard=shard, shard_count=SHARD_COUNT, watermark_ns=at_ns - LATENESS_NS,
        clock_ns=at_ns, inventory_version=1,
    )  # fmt: skip
    value = encode(header, EVENT, columns)
    return Record(topic=TERMINAL_EVENTS, key=shard_key(shard), value=value, partition=shard % PARTITION_COUNT)


def main(event_count: int) -> None:
    """Fill the topics, then time the correlator until it has said its last."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, kafkas.start(Path(folder)) as broker:
        broker.create_topics([*INGEST_TOPICS, *STREAMS_TOPICS])
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=5)
        for records in [inventory_records(inventory(TERMINAL_COUNT)), *burst(event_count)]:
            for record in records:
                producer.send(record.topic.name, key=record.key, value=record.value, partition=record.partition)
        producer.flush()
        worker = CorrelatorWorker(Settings(kafka=broker.bootstrap))
        sys.stdout.write(json.dumps({"events": event_count, **_time(worker)}) + "\n")


def _time(worker: CorrelatorWorker) -> dict[str, float]:
    last_ns = START_AT_NS + (SECONDS + OUTAGE_S + CALM_S - 1) * NS_PER_S - LATENESS_NS
    correlator = worker._bench._correlator  # noqa: SLF001 - how far it is, is nobody else's business
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    while (correlator.watermark_ns or 0) < last_ns:
        worker.turn()
    return {"wall_s": round(time.perf_counter() - wall_s, 2), "cpu_s": round(time.process_time() - cpu_s, 2)}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
