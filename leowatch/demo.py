"""`leowatch demo`: the whole road in one process, with no server; the page while it runs, the scoreboard at its end."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboards.page.app import page_app
from dashboards.page.server import serving
from dashboards.page.state import PageState
from exporters.contract.sink import Sink
from exporters.directory import FixedDirectory
from exporters.parquet import ParquetSink
from exporters.prometheus import PrometheusSink
from leowatch import overview, run_folder
from leowatch.embedded import Embedded
from leowatch.memory_bus import MemoryReader
from leowatch.overview import Overview
from leowatch.run_folder import RunFolder
from leowatch.score.command import run as judge
from simulators.run import Second, Settings, Sky, new_sky

# A browser is shown twice a second what has changed.
SHOW_EVERY_S = 0.5


@dataclass(frozen=True)
class Options:
    """What a person may say.

    Attributes:
        sky: The run itself.
        speed: Simulated seconds in a second; 0 is as fast as possible.
        once: Exit when the minutes are over; else the page stays up.
        out: Where files go; None throws them away after the judge has read them.
        port: Of the page; 0 takes a free one.
    """

    sky: Settings
    speed: float = 60.0
    once: bool = False
    out: Path | None = None
    port: int = 8080


def run_demo(options: Options, *, console: Console) -> dict[str, Any]:
    """Run it, and keep the page up unless it is to be run once; return what the last line on stdout says.

    Raises:
        BadScenario: The scenario cannot be read or played.
        OSError: The port is taken, or the folder cannot be written.
        Fatal: The folder holds another run's tables.
    """
    with contextlib.ExitStack() as stack:
        out = options.out or Path(stack.enter_context(TemporaryDirectory(prefix="leowatch-")))
        sky = new_sky(options.sky, truth_dir=out / "truth")
        for note in sky.notes:
            console.print(note)
        stage = _Stage(sky, options)
        app = page_app(stage, routes=[Route("/metrics", stage.metrics)])
        address = stack.enter_context(serving(app, port=options.port))
        console.print(f"the page: {address}   its metrics: {address}metrics")
        result = stage.play(out, console)
        console.print(_table(result["scoreboard"]))
        if not options.once:
            console.print(f"the page stays at {address}; Ctrl-C ends it")
            with contextlib.suppress(KeyboardInterrupt):
                while True:
                    time.sleep(3600)
    return result


class _Stage:
    """One run on the memory bus, and the window through which the page looks at it."""

    def __init__(self, sky: Sky, options: Options) -> None:
        self._sky = sky
        self._options = options
        self._embedded = Embedded(sky, options.sky)
        label = f"{options.sky.scenario}, seed {options.sky.seed}"
        self._seen = Overview(label=label, inventory=sky.inventory)
        self._watched, self._kept = self._embedded.reader(overview.READS), self._embedded.reader(run_folder.READS)
        self._directory = FixedDirectory(sky.inventory)
        scraped = PrometheusSink(self._directory)
        scraped.is_caught_up = True  # it hears every record from the first
        self._registry = CollectorRegistry()
        self._registry.register(scraped)
        self._sinks: list[tuple[Sink, MemoryReader]] = [(scraped, self._embedded.reader(scraped.topics))]
        self._samples_count = 0
        self._began_s = self._shown_s = time.monotonic()
        self._newest: PageState | None = None

    def snapshot(self) -> PageState | None:
        """Return the page's newest state."""
        return self._newest

    def metrics(self, _: Request) -> Response:
        """Answer a scrape."""
        return Response(generate_latest(self._registry), headers={"content-type": CONTENT_TYPE_LATEST})

    def play(self, out: Path, console: Console) -> dict[str, Any]:
        """Live through the sky's seconds, then let the judge read what they left."""
        self._began_s = time.monotonic()
        kept = self._options.out is not None
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(RunFolder(out, self._sky.inventory, telemetry=kept))
            if kept:
                tables = ParquetSink(out / "tables", self._directory, resume=False)
                stack.callback(tables.flush)
                self._sinks.append((tables, self._embedded.reader(tables.topics)))
            self._embedded.begin()
            for second in self._paced(console):
                self._live(second, folder)
        took_s = time.monotonic() - self._began_s
        self._show(finished=True)
        scoreboard = judge(
            truth=out / "truth", events=out / "events.jsonl", incidents=out / "incidents.jsonl",
            pages=out / "pages.jsonl", inventory=out / "inventory.jsonl", json_file=out / "score.json", html_file=out / "score.html",
        )  # fmt: skip
        return {
            "scoreboard": scoreboard,
            "samples": self._samples_count,
            "samples_per_s": round(self._samples_count / took_s, 1),
            "events": folder.events_count,
            "incidents": folder.incidents_count,
        }

    def _live(self, second: Second, folder: RunFolder) -> None:
        self._embedded.live(second)
        self._samples_count += second.live_count + second.stored_count
        self._seen.take(self._watched.drain())
        folder.take(self._kept.drain())
        for sink, reader in self._sinks:
            sink.write(reader.drain())
        if time.monotonic() - self._shown_s >= SHOW_EVERY_S:
            self._show()

    def _show(self, *, finished: bool = False) -> None:
        self._shown_s = time.monotonic()
        took_s = max(1e-9, self._shown_s - self._began_s)
        self._newest = self._seen.state(
            now_ns=self._embedded.now_ns,
            knowledge=self._embedded.road.knowledge,
            speed_ratio=self._options.speed,
            samples_per_s=self._samples_count / took_s,
            events_per_s=self._seen.events_count / took_s,
            finished=finished,
        )

    def _paced(self, console: Console) -> Iterator[Second]:
        """Yield the seconds of the sky no faster than asked, with a progress line."""
        settings, speed = self._options.sky, self._options.speed
        bar = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TimeElapsedColumn(),
        )
        with Progress(*bar, console=console) as progress:
            task = progress.add_task(f"{settings.scenario}, {settings.minutes:g} min", total=settings.second_count)
            for number, second in enumerate(self._sky):
                if speed:
                    time.sleep(max(0.0, self._began_s + number / speed - time.monotonic()))
                yield second
                progress.advance(task)


def _table(scoreboard: dict[str, Any]) -> Table:
    """Return the scoreboard for a person; it fits 80 columns."""
    table = Table(title="what was broken, and what was found", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("fault", min_width=8)
    for heading in ("injected", "found", "missed", "false", "wrong root", "after"):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = [*scoreboard["per_kind"].items(), ("all", {**scoreboard, "n": scoreboard["injected"]})]
    for kind, row in rows:
        found_s = row["median_time_to_detect_s"]
        cells = (row["n"], row["detected"], row["missed"], row["false"], row["wrong_root"])
        table.add_row(kind.replace("_", " "), *map(str, cells), "-" if found_s is None else f"{found_s:.0f} s")
    return table
