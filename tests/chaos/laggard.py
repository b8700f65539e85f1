"""A worker that is held in the middle of a frame until its group has moved on, once: `python -m tests.chaos.laggard`."""

import asyncio

import faust

from streams.__main__ import build
from streams.contract.topics import TERMINAL_EVENTS
from streams.metrics import Metrics
from streams.settings import Settings

# Enough that rows have been said, which begin with the 50th frame, and fewer than the first snapshot waits for.
AFTER_FRAMES = 200


def main():
    """Run it."""
    settings = Settings()
    worker = build(settings, Metrics())
    carrier, was_held = worker.carrier, False
    put = carrier._outbox.put

    async def late_put(topic, **record):
        nonlocal was_held
        tenure = carrier.tenure
        if not was_held and topic == TERMINAL_EVENTS and sum(tenure.reading.expected.values()) > AFTER_FRAMES:
            was_held = True
            # The frame is stepped and half said; whoever takes the partition over will say it from its snapshot.
            while carrier.tenure is tenure:  # noqa: ASYNC110 - nothing in the worker tells us of a new tenure
                await asyncio.sleep(0.01)
        return await put(topic, **record)

    carrier._outbox.put = late_put
    worker.metrics.serve(settings.metrics_host, settings.metrics_port)
    faust.Worker(worker.app, loglevel="warn", quiet=True).execute_from_commandline()


if __name__ == "__main__":
    main()
