"""A worker whose consumer is moved forward behind its back, once: `python -m tests.chaos.saboteur`."""

import asyncio

import faust
from faust.types import TP

from ingest.contract.topics import TERMINAL_TELEMETRY
from streams.__main__ import build
from streams.metrics import Metrics
from streams.settings import Settings

AFTER_FRAMES = 20
# Beyond what a poll (500) and the stream's queue (256) may hold already: those come in order whatever is sought.
LEAP = 900


def main():
    """Run it."""
    settings = Settings()
    worker = build(settings, Metrics())

    @worker.app.task
    async def sabotage():
        # There is no event to wait for: nothing in the worker knows of us.
        while worker.carrier.tenure is None or worker.carrier.tenure.reading.expected.get(0, 0) < AFTER_FRAMES:  # noqa: ASYNC110 - as said
            await asyncio.sleep(0)
        expected = worker.carrier.tenure.reading.expected[0]
        await worker.app.consumer.seek_wait({TP(TERMINAL_TELEMETRY.name, 0): expected + LEAP})

    worker.metrics.serve(settings.metrics_host, settings.metrics_port)
    faust.Worker(worker.app, loglevel="warn", quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main()
