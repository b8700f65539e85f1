"""Our worker, as it is deployed, with a watch on what it has counted: `python -m bench.ours SAMPLES`."""

import os
import sys
import threading
import time

import faust

from bench.steps import state_bytes
from bench.stopwatch import Stopwatch
from streams.__main__ import build
from streams.metrics import Metrics
from streams.settings import Settings
from streams.worker import Worker

_LOOK_EVERY_S = 0.005


def main(sample_count: int) -> None:
    """Run until so many samples have been stepped."""
    worker = build(Settings(), Metrics())
    threading.Thread(target=watch, args=(worker, Stopwatch(sample_count)), daemon=True).start()
    faust.Worker(worker.app, loglevel="warn", quiet=True).execute_from_commandline()


def watch(worker: Worker, stopwatch: Stopwatch) -> None:
    """Look until it is over, then end the process."""
    while not stopwatch.is_over(worker.carrier.found().get("samples", 0)):
        time.sleep(_LOOK_EVERY_S)
    stopwatch.report(state_bytes=_state_bytes(worker))
    time.sleep(1)  # the last events are still on their way
    os._exit(0)


def _state_bytes(worker: Worker) -> int:
    tenure = worker.carrier.tenure
    return state_bytes(tenure.workbench, tenure.shard_count) if tenure else 0


if __name__ == "__main__":
    main(int(sys.argv[1]))
