"""The door's commands: `python -m ingest door [--check]`, `inventory FILE`, `frames FILE...`; settings come from INGEST_*."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import structlog
import typer
import uvicorn
from pydantic import ValidationError
from rich import print_json

from ingest.contract.bus import Fatal, Retry
from ingest.contract.packing import Packer, Versions
from ingest.contract.topics import TERMINAL_TELEMETRY
from ingest.door import Door
from ingest.feed import Feed, News, connector
from ingest.frames_file import frames as frames_of
from ingest.frames_file import letters, read_rows
from ingest.inventory_file import apply, changes, read_inventory
from ingest.inventory_topics import partition_count_of, read_topics
from ingest.kafka_writer import KafkaWriter
from ingest.lane import write
from ingest.metrics import Metrics
from ingest.settings import Settings
from ingest.tokens import Tokens

log = structlog.get_logger()

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The door: raw bytes in, valid frames out.")
# 2 says that a restart will not help, 1 that it may.
_EXIT_FATAL = 2
_EXIT_FAILED = 1
_KEEP_ALIVE_S = 5


@app.command()
def door(
    check: Annotated[bool, typer.Option("--check", help="Print the resolved settings and exit.")] = False,
) -> None:
    """Take samples over HTTP until told to stop."""
    settings = _settings()
    if check:
        print_json(settings.model_dump_json())
        return
    raise typer.Exit(serve(settings))


@app.command()
def inventory(
    file: Annotated[Path, typer.Argument(help="JSON lines, one record each.")],
    dry_run: Annotated[bool, typer.Option(help="Say what would change, and write nothing.")] = False,
) -> None:
    """Apply an inventory: the whole file is judged first; nothing is ever removed."""
    settings = _settings()

    def work() -> dict[str, object]:
        wanted = read_inventory(file)
        current = read_topics(settings.kafka, within_s=settings.kafka_timeout_s)
        if dry_run:
            return changes(current, wanted).summary()
        with KafkaWriter(settings.kafka, within_s=settings.kafka_timeout_s) as writer:
            return apply(current, wanted, writer).summary()

    _report(work)


@app.command()
def frames(files: Annotated[list[Path], typer.Argument(help="Parquet files of telemetry.")]) -> None:
    """Put files of telemetry onto Kafka as if they came now; rows older than the lateness bound go as stored."""
    settings = _settings()

    def work() -> dict[str, object]:
        known = read_topics(settings.kafka, within_s=settings.kafka_timeout_s)
        if known is None:
            raise Fatal("there is no inventory: apply one first")
        now_ns = time.time_ns()
        packer = Packer(
            producer_id=f"{settings.producer_id}-file",
            shard_count=known.shard_count,
            partition_count=partition_count_of(TERMINAL_TELEMETRY, settings.kafka),
        )
        packer.versions = Versions(inventory=known.version)
        rows = [read_rows(path, known, now_ns) for path in files]
        with KafkaWriter(settings.kafka, within_s=settings.kafka_timeout_s) as writer:
            for path, each in zip(files, rows, strict=True):
                write(writer, letters(path, each.rejected, now_ns))
            for records in frames_of(rows, packer):
                write(writer, records)
            write(writer, packer.goodbye(now_ns))
        accepted = sum(len(each.received_at_ns) for each in rows)
        return {"accepted": accepted, "rejected": sum(len(each.rejected) for each in rows)}

    _report(work)


def serve(settings: Settings) -> int:
    """Run the door until SIGTERM or SIGINT; return the exit code."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        tokens = Tokens.from_file(settings.tokens)
    except ValueError as error:
        sys.stderr.write(f"INGEST_TOKENS: {error}\n")
        return _EXIT_FATAL
    opened = Door(
        settings,
        tokens,
        Metrics(),
        lambda: KafkaWriter(settings.kafka, within_s=settings.kafka_timeout_s),
        time.time_ns,
    )
    halted: list[str] = []

    def hear(news: News) -> None:
        try:
            opened.hear(news)
        except Fatal as error:
            log.critical("door_halted", error=str(error))
            halted.append(str(error))
            server.should_exit = True

    def follow() -> Callable[[], None]:
        loop = asyncio.get_running_loop()

        def tell(news: News) -> None:
            loop.call_soon_threadsafe(hear, news)

        feed = Feed(connector(settings.kafka), tell)
        feed.start()
        return feed.stop

    server = uvicorn.Server(
        uvicorn.Config(
            opened.app(follow),
            host=settings.host,
            port=settings.port,
            limit_concurrency=settings.connections_limit,
            timeout_keep_alive=_KEEP_ALIVE_S,
            # An open stream would hold the exit up for ever.
            timeout_graceful_shutdown=1,
            log_level=settings.log_level,
            access_log=False,
            server_header=False,
        )
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # The server raises what stopped it once more when it is done: by then there is nothing left to stop.
        signal.signal(number, lambda *_: None)
    server.run()
    if halted:
        return _EXIT_FATAL
    return 0 if server.started else _EXIT_FAILED


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        sys.stderr.write(f"settings: {error}\n")
        raise typer.Exit(_EXIT_FATAL) from error


def _report(work: Callable[[], dict[str, object]]) -> None:
    try:
        summary = work()
    except (Fatal, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(_EXIT_FATAL) from error
    except Retry as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(_EXIT_FAILED) from error
    sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")


if __name__ == "__main__":
    app()
