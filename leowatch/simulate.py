"""`leowatch simulate`: the sky alone, onto Kafka or into files."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from exporters.contract.topics import EXPORTERS_TOPICS
from ingest.contract.instants import NS_PER_S
from ingest.contract.topics import INGEST_TOPICS
from ingest.kafka_writer import KafkaWriter
from ingest.topics_admin import create_topics
from leowatch.memory_bus import MemoryBus
from leowatch.run_folder import READS, RunFolder
from leowatch.truth_records import truth_records
from simulators.broadcast import play
from simulators.contract.topics import TRUTH_TOPICS
from simulators.run import Second, Settings, Sky, new_sky
from streams.contract.topics import STREAMS_TOPICS


@dataclass(frozen=True)
class Options:
    """What a person may say.

    Attributes:
        sky: The run.
        to: `kafka`, or a folder.
        speed: Simulated seconds in a second; 0 is as fast as possible.
        kafka: Brokers.
        truth_out: Where truth goes; None writes none.
        truth_topics: Whether it goes onto `truth.*` too, once the run is over.
    """

    sky: Settings
    to: str
    speed: float
    kafka: str
    truth_out: Path | None
    truth_topics: bool = False


# A second is written as it begins and says that the door had it a little after its end.
_AHEAD_NS = 2 * NS_PER_S


def live_start_ns(now_ns: int, minutes: float, speed: float) -> int:
    """Return the first simulated instant of a run that ends as its last second is written, with nothing in the future.

    At speed 1 the run keeps to the clock on the wall, and so to that of a real door beside it.
    """
    length_ns = minutes * 60 * NS_PER_S
    played_ns = length_ns / speed if speed else 0.0
    return now_ns - round(max(0.0, length_ns - played_ns)) - _AHEAD_NS


def run_simulate(options: Options, *, console: Console) -> dict[str, Any]:
    """Live through the run; return how much was emitted.

    Raises:
        ValueError: Truth is to go onto topics and nobody writes it down, or there is no Kafka.
        Retry: The broker is away.
        Fatal: The topics there do not fit.
    """
    if options.truth_topics and (options.truth_out is None or options.to != "kafka"):
        raise ValueError("--truth-topics needs --to kafka and --truth-out FOLDER, from which it is read")
    sky = new_sky(options.sky, truth_dir=options.truth_out)
    for note in sky.notes:
        console.print(note)
    counts = {"samples": 0, "seconds": 0}

    def heard(second: Second) -> None:
        counts["samples"] += second.live_count + second.stored_count
        counts["seconds"] += 1

    if options.to == "kafka":
        topics = (*INGEST_TOPICS, *STREAMS_TOPICS, *EXPORTERS_TOPICS)
        create_topics(options.kafka, topics, partition_count=options.sky.partition_count)
        with KafkaWriter(options.kafka) as writer:
            play(sky, writer, speed_ratio=options.speed, monotonic_s=time.monotonic, sleep_s=time.sleep, heard=heard)
        if options.truth_topics and options.truth_out is not None:
            _tell_truth(options, options.truth_out)
    else:
        _into_files(sky, Path(options.to), options.speed, heard)
    return {"to": options.to, "terminals": options.sky.terminals, **counts}


def _tell_truth(options: Options, folder: Path) -> None:
    create_topics(options.kafka, TRUTH_TOPICS, partition_count=options.sky.partition_count)
    with KafkaWriter(options.kafka) as writer:
        for record in truth_records(folder):
            writer.send(record.topic, key=record.key, value=record.value)
        writer.flush()


def _into_files(sky: Sky, folder: Path, speed: float, heard: Any) -> None:
    bus = MemoryBus(now_ns=lambda: 0)
    reader = bus.reader(READS)
    with RunFolder(folder, sky.inventory) as files:

        def take(second: Second) -> None:
            heard(second)
            files.take(reader.drain())

        play(sky, bus, speed_ratio=speed, monotonic_s=time.monotonic, sleep_s=time.sleep, heard=take)
