"""The limit: a bare consumer, the same decode and the same steps, no engine and nothing sent: `python -m bench.bare SAMPLES`."""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.samples import PARTITION_COUNT
from bench.stopwatch import Stopwatch
from ingest.contract.topics import TERMINAL_TELEMETRY
from streams.settings import Settings
from streams.side_reader import SideReader
from streams.workbench import Workbench


async def main(sample_count: int) -> None:
    """Step so many samples."""
    settings = Settings()
    side_inputs = SideReader(settings.kafka)
    side_inputs.start()
    bench = Workbench(partition_count=PARTITION_COUNT, knowledge=side_inputs.knowledge)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(TERMINAL_TELEMETRY.name, place) for place in range(PARTITION_COUNT)])
    stopwatch = Stopwatch(sample_count)
    async for record in consumer:
        bench.handle(
            key=record.key, value=record.value, partition=record.partition, offset=record.offset, at_ns=record.timestamp
        )
        if stopwatch.is_over(bench.counts["samples"]):
            break
    stopwatch.report()
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
