"""A run of the sky from its settings: what a command line or a demo calls."""

from collections.abc import Iterator
from pathlib import Path

from simulators.settings import Settings
from simulators.sky import Picture, Second, Sky
from simulators.truth_log import TruthLog

__all__ = ["Picture", "Second", "Settings", "Sky", "new_sky", "simulate"]


def new_sky(settings: Settings, *, truth_dir: Path | None = None) -> Sky:
    """Build a run; with a folder for it, truth is written down as the run is lived through.

    Raises:
        BadScenario: The scenario cannot be read or played.
    """
    return Sky(settings, truth=TruthLog(truth_dir) if truth_dir is not None else None)


def simulate(settings: Settings, *, truth_dir: Path | None = None) -> Iterator[Second]:
    """Live through a run."""
    return iter(new_sky(settings, truth_dir=truth_dir))
