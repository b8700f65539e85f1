"""The usual Faust agent: JSON records, a Table of who serves whom: `python -m bench.plain_faust BROKER SAMPLES`."""

import os
import sys
import tempfile

import faust
from faust.types import StreamT

from bench.stopwatch import Stopwatch

SOURCE, FOUND, PARTITION_COUNT = "bench.samples", "bench.faust", 4


class Sample(faust.Record, serializer="json"):  # type: ignore[misc, call-arg] # faust is not typed as we need it
    """One sample."""

    terminal: int
    at_ns: int
    satellite: int
    snr_db: float
    rtt_ms: float
    drop: float
    tilt_deg: float
    azimuth_deg: float
    down_bytes: int
    up_bytes: int


def main(broker: str, sample_count: int) -> None:
    """Find the handovers of so many samples."""
    app = faust.App(
        "bench-plain-faust",
        broker=f"kafka://{broker}",
        topic_partitions=PARTITION_COUNT,
        store="memory://",
        datadir=tempfile.mkdtemp(prefix="bench-faust-"),
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    source = app.topic(SOURCE, value_type=Sample, partitions=PARTITION_COUNT)
    found = app.topic(FOUND, value_serializer="json", partitions=PARTITION_COUNT)
    serving = app.Table("serving", default=lambda: None, partitions=PARTITION_COUNT)
    stopwatch = Stopwatch(sample_count)

    @app.agent(source)  # type: ignore[untyped-decorator] # faust is not typed as we need it
    async def notice(stream: StreamT[Sample]) -> None:
        passed_count = 0
        async for sample in stream:
            before = serving[sample.terminal]
            if before != sample.satellite:
                serving[sample.terminal] = sample.satellite
                if before is not None:
                    value = {
                        "terminal": sample.terminal,
                        "at_ns": sample.at_ns,
                        "from": before,
                        "to": sample.satellite,
                    }
                    await found.send(key=str(sample.terminal), value=value)
            passed_count += 1
            if stopwatch.is_over(passed_count):
                stopwatch.report()
                await app.producer.flush()
                os._exit(0)

    faust.Worker(app, loglevel="error", quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
