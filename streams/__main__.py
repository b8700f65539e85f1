"""The workshop's commands: `python -m streams worker`, `python -m streams merge` and `python -m streams correlator`."""

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Annotated

import faust
import structlog
import typer
from kafka.errors import KafkaError
from rich import print_json

from ingest.contract.bus import Fatal
from streams.correlator_worker import CorrelatorWorker
from streams.merge_worker import MergeWorker
from streams.metrics import Metrics
from streams.settings import Settings
from streams.side_reader import SideReader
from streams.worker import Worker

log = structlog.get_logger()
cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

# As the sinks: 2 says that a restart will not help, 1 that it may.
_EXIT_FATAL = 2
_EXIT_FAILED = 1


@cli.callback()
def workshop() -> None:
    """Turn frames into events, rollups and incidents."""


@cli.command()
def worker(check: Annotated[bool, typer.Option(help="Print the resolved settings and exit.")] = False) -> None:
    """Run one worker until it is told to stop; it reads its settings from STREAMS_*."""
    settings = Settings()
    if check:
        print_json(settings.model_dump_json())
        return
    _log_as(settings)
    metrics = Metrics()
    if settings.metrics_port:
        # At once: what waits for the worker to be well may be what writes the inventory that it waits for.
        metrics.serve(settings.metrics_host, settings.metrics_port)
    try:
        built = build(settings, metrics)
    except Fatal as error:
        halt(error)
        return
    # Faust spells `warning` its own way, and prints a banner unless it is told to be quiet.
    engine = faust.Worker(built.app, loglevel=settings.log_level.replace("warning", "warn"), quiet=True)
    engine.execute_from_commandline()


@cli.command()
def merge(check: Annotated[bool, typer.Option(help="Print the resolved settings and exit.")] = False) -> None:
    """Run the deployment's one rollup merge until it is told to stop; it reads its settings from STREAMS_*."""
    _run_alone(MergeWorker, check=check)


@cli.command()
def correlator(check: Annotated[bool, typer.Option(help="Print the resolved settings and exit.")] = False) -> None:
    """Run the deployment's one correlator until it is told to stop; it reads its settings from STREAMS_*."""
    _run_alone(CorrelatorWorker, check=check)


def _run_alone(begin: Callable[[Settings], MergeWorker | CorrelatorWorker], *, check: bool) -> None:
    settings = Settings()
    if check:
        print_json(settings.model_dump_json())
        return
    _log_as(settings)
    try:
        at_work = begin(settings)
    except (Fatal, KafkaError) as error:
        halt(error)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.closing(at_work), contextlib.suppress(KeyboardInterrupt):
        while True:
            at_work.turn()


def _log_as(settings: Settings) -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def halt(error: BaseException) -> None:
    """End the process on the spot: what is not in a snapshot is read again, so there is nothing to save."""
    log.critical("worker_halted", error=f"{type(error).__name__}: {error}")
    sys.stderr.flush()
    os._exit(_EXIT_FATAL if isinstance(error, Fatal) else _EXIT_FAILED)


def build(settings: Settings, metrics: Metrics) -> Worker:
    """Put a worker together, once there is an inventory; it begins when its app is run."""
    # They write a line for every record sent, and throw it away afterwards, unless their own loggers say no.
    for client in ("aiokafka", "kafka"):
        logging.getLogger(client).setLevel(settings.log_level.upper())
    side_inputs = SideReader(settings.kafka)
    side_inputs.start()
    metrics.side_refused.set_function(lambda: side_inputs.refused_count)
    return Worker(settings, knowledge=side_inputs.knowledge, halt=halt, metrics=metrics)


if __name__ == "__main__":
    cli()
