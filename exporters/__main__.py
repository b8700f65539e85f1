"""The dock's commands: `python -m exporters influx|prometheus|cloudwatch|eventbridge|parquet [--check]`."""

import logging
import signal
import sys
import threading
import time
from enum import StrEnum
from typing import Annotated
from wsgiref.types import WSGIApplication

import structlog
import typer
from pydantic import ValidationError
from rich import print_json

from exporters.consumer import Exporter
from exporters.contract.sink import Sink
from exporters.metrics import Metrics, server
from exporters.prometheus import PrometheusSink, scrape_app
from exporters.settings import Settings
from exporters.sinks import SINKS
from ingest.contract.bus import Fatal

log = structlog.get_logger()


class Name(StrEnum):
    """The sinks, as a person types them."""

    INFLUX = "influx"
    PROMETHEUS = "prometheus"
    CLOUDWATCH = "cloudwatch"
    EVENTBRIDGE = "eventbridge"
    PARQUET = "parquet"


# 2 says that a restart will not help, 1 that it may.
_EXIT_FATAL = 2
_EXIT_FAILED = 1


def main(
    sink: Annotated[Name, typer.Argument(help="Which sink to run.")],
    check: Annotated[bool, typer.Option("--check", help="Print the resolved settings and exit.")] = False,
) -> None:
    """Export findings to one sink until told to stop; settings come from EXPORTERS_*."""
    try:
        settings = Settings()
    except ValidationError as error:
        sys.stderr.write(f"settings: {error}\n")
        raise typer.Exit(_EXIT_FATAL) from error
    if check:
        print_json(settings.model_dump_json())
        return
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    raise typer.Exit(run(sink.value, settings))


def run(name: str, settings: Settings) -> int:
    """Run a sink until SIGTERM or SIGINT; return the exit code."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    metrics = Metrics(clock_s=time.monotonic, stalled_after_s=settings.stalled_after_s)
    if settings.metrics_port:
        _serve(metrics.app(), settings.metrics_host, settings.metrics_port)

    def ready(sink: Sink) -> None:
        if isinstance(sink, PrometheusSink):
            _serve(scrape_app(sink), settings.prometheus_host, settings.prometheus_port)
        log.info("exporter_started", sink=name)

    try:
        Exporter(name, SINKS[name], settings, metrics, stopping).run(ready)
    except Fatal as error:
        log.critical("exporter_halted", sink=name, error=str(error))
        return _EXIT_FATAL
    except Exception:
        log.exception("exporter_failed", sink=name)
        return _EXIT_FAILED
    return 0


def _serve(app: WSGIApplication, host: str, port: int) -> None:
    serving = server(app, host, port)
    threading.Thread(target=serving.serve_forever, name=f"http-{port}", daemon=True).start()


if __name__ == "__main__":
    typer.run(main)
