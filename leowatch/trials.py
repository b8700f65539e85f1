"""`leowatch score --scenario`: the whole road over several seeds, a process for each, and one verdict over all of them."""

import contextlib
import multiprocessing
import re
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from rich.console import Console

from leowatch.embedded import Embedded
from leowatch.run_folder import READS, RunFolder
from leowatch.score.command import write
from leowatch.score.judge import Scoreboard, judge_together
from leowatch.score.runs import RunFiles
from leowatch.score.summary import summary
from leowatch.score.tables import tables
from simulators.run import Settings, new_sky
from simulators.scenario import load_scenario

# A run takes a core and half a gigabyte; more at once than this would starve whatever else the machine does.
AT_ONCE_COUNT = 2
_SEEDS = re.compile(r"(\d+)(?:\.\.(\d+))?")


@dataclass(frozen=True)
class Options:
    """What a person may say.

    Attributes:
        sky: Of every run, but for the seed.
        seeds: One run each.
        keep: Keep each run's files here; None throws them away.
        controls: Whether the two controls are judged too: they need telemetry, which takes time and disk.
        json_file, html_file: Where the whole scoreboard and the report go.
    """

    sky: Settings
    seeds: range
    keep: Path | None = None
    controls: bool = True
    json_file: Path | None = None
    html_file: Path | None = None


def seed_range(text: str) -> range:
    """Read `A..B`, both included, or one seed.

    Raises:
        ValueError: It is neither.
    """
    found = _SEEDS.fullmatch(text)
    if found is None:
        raise ValueError(f"--seeds {text!r} is neither a seed nor A..B")
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise ValueError(f"--seeds {text}: there is none from {first} to {last}")
    return range(first, last + 1)


def settings_of(scenario: str, *, terminals: int, minutes: float | None) -> Settings:
    """Return the settings of a scenario's runs; without a length they are as long as it says.

    Raises:
        BadScenario: The scenario cannot be read.
    """
    length = load_scenario(scenario).minutes if minutes is None else minutes
    return Settings(scenario=scenario, terminals=terminals, minutes=length)


def run_trials(options: Options, *, console: Console) -> dict[str, Any]:
    """Play every seed, judge them together, print the tables; return what the last line on stdout says.

    Raises:
        BadScenario: The scenario cannot be played.
        ScoreError: A run left something that the judge cannot read.
    """
    with _folder(options.keep) as folder:
        runs = _play_all(options, folder, console)
        board = judge_together(runs)
    write(board, json_file=options.json_file, html_file=options.html_file)
    for table in tables(board):
        console.print(table)
    return _said(options, board)


def play(settings: Settings, out: Path, *, telemetry: bool) -> float:
    """Live through one run and leave its files; return the CPU seconds that it took."""
    began_s = time.process_time()
    sky = new_sky(settings, truth_dir=out / "truth")
    embedded = Embedded(sky, settings)
    kept = embedded.reader(READS)
    with RunFolder(out, sky.inventory, telemetry=telemetry) as folder:
        embedded.begin()
        for second in sky:
            embedded.live(second)
            folder.take(kept.drain())
    return time.process_time() - began_s


def files_of(out: Path, *, telemetry: bool) -> RunFiles:
    """Return where a run's files lie."""
    events, incidents, pages = (out / f"{name}.jsonl" for name in ("events", "incidents", "pages"))
    return RunFiles(
        out / "truth", events, incidents, pages, out / "telemetry" if telemetry else None, out / "inventory.jsonl"
    )


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep
        return
    with TemporaryDirectory(prefix="leowatch-") as made:
        yield Path(made)


def _play_all(options: Options, folder: Path, console: Console) -> dict[str, RunFiles]:
    runs = {seed: folder / f"seed-{seed}" for seed in options.seeds}
    # A process of its own gives each seed's memory back, and nothing of one run can reach another.
    with ProcessPoolExecutor(
        AT_ONCE_COUNT, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        playing = {}
        for seed, out in runs.items():
            settings = msgspec.structs.replace(options.sky, seed=seed)
            playing[pool.submit(play, settings, out, telemetry=options.controls)] = seed
        for done in as_completed(playing):
            console.print(f"seed {playing[done]}: {done.result():.0f} s of CPU")
    return {f"seed-{seed}": files_of(out, telemetry=options.controls) for seed, out in runs.items()}


def _said(options: Options, board: Scoreboard) -> dict[str, Any]:
    of_run = {
        "scenario": options.sky.scenario, "seeds": list(options.seeds), "terminals": options.sky.terminals,
        "minutes": options.sky.minutes,
    }  # fmt: skip
    return of_run | summary(board)
