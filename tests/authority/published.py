"""The published Kuiper element sets, for the authority tests."""

from importlib import resources

from simulators.orbits import ElementSet, read_element_sets

START_AT_NS = 1_759_449_600_000_000_000  # 2025-10-03T00:00:00Z


def published_text() -> str:
    return resources.files("simulators").joinpath("data", "kuiper.tle").read_text(encoding="ascii")


def published_element_sets() -> list[ElementSet]:
    return read_element_sets(published_text())


def published_lines() -> list[tuple[str, str]]:
    lines = published_text().splitlines()
    return list(zip(lines[1::3], lines[2::3], strict=True))
