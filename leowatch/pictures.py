"""The pictures of docs/the-sky.md, drawn by the code that they show: `python -m leowatch.pictures docs/pictures`."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated

import matplotlib as mpl
import numpy as np
import typer
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from ingest.contract.instants import NS_PER_S
from leowatch.beside_real import (
    LIKE_STARLINK,
    REAL_OUTAGES,
    outage_lengths_s,
    real_seconds,
    served_among_trees,
    simulated_links,
)
from simulators import link
from simulators.cells import cells_around
from simulators.fleet import build_fleet
from simulators.geometry import Floats, geodetic
from simulators.orbits import propagate
from simulators.rain import rain_db
from simulators.run import Settings
from simulators.scheduler import NONE, Rules, Slots, all_resources, plan_slot
from simulators.visibility import ground, sightings
from simulators.weather import Weather, direction, everyday_rain

_INK, _SECOND, _THIRD = "#1f4e79", "#c55a11", "#548235"
_MASK_DEG = 35.0
_START_NS = 1_759_449_600 * NS_PER_S


def _coverage(axes: Axes) -> None:
    fleet = build_fleet(Settings(terminals=10, published_layer=False), np.random.default_rng(1), Rules(), Slots())
    latitude_deg = np.arange(-66.0, 66.1, 1.5)
    longitude_deg = np.arange(-180.0, 180.0, 20.0)
    grid = np.repeat(latitude_deg, len(longitude_deg)), np.tile(longitude_deg, len(latitude_deg))
    place, counts = ground(*grid), []
    for step in range(12):
        position_km = propagate(fleet.carrying.satellites, np.array([_START_NS + step * 447 * NS_PER_S])).position_km[0]
        seen = sightings(place, position_km, _MASK_DEG)
        counts.append(np.bincount(seen.site, minlength=len(place)).reshape(len(latitude_deg), -1))
    many = np.concatenate(counts, axis=1)
    axes.fill_between(latitude_deg, many.min(axis=1), many.max(axis=1), color=_INK, alpha=0.2, label="least to most")
    axes.plot(latitude_deg, many.mean(axis=1), color=_INK, label="mean")
    table = {0: 10.3, 20: 12.3, 30: 17.4, 33: 17.7, 40: 16.5, 45: 14.5, 50: 9.9, 52: 8.6, 54: 6.7, 56: 4.2, 58: 1.2}
    axes.plot(list(table), list(table.values()), "o", color=_SECOND, ms=4, label="an independent computation")
    axes.set(xlabel="latitude, deg", ylabel="satellites above 35 deg", title="Coverage by latitude, 3,236 satellites")
    axes.legend()


def _dwell(axes: Axes) -> None:
    fleet = build_fleet(Settings(terminals=10, published_layer=False), np.random.default_rng(1), Rules(), Slots())
    slots, rules = Slots(), Rules()
    for latitude_deg, colour in ((25.0, _INK), (40.0, _SECOND), (47.6, _THIRD)):
        cells, _ = cells_around(np.full(24, latitude_deg), np.arange(-125.0, -77.0, 2.0))
        place, serving = ground(cells.latitude_deg, cells.longitude_deg), []
        resources = all_resources(fleet.segment, fleet.carrying.on_duty, len(cells))
        for slot in range(241):
            start_ns = _START_NS + slot * slots.length_ns
            edges = propagate(fleet.carrying.satellites, np.array([start_ns, start_ns + slots.length_ns])).position_km
            plan = plan_slot(
                slot_start_at_ns=start_ns,
                cells=place,
                frequency=np.zeros(len(cells), dtype=np.int32),
                segment=fleet.segment,
                peers=fleet.carrying.peers,
                resources=resources,
                ends_km=(edges[0], edges[1]),
                rules=rules,
            )
            serving.append(plan.satellite_index)
        stays = [_stays(column) for column in np.array(serving).T]
        lengths_s = np.concatenate(stays) * slots.length_ns / NS_PER_S
        values, counts = np.unique(lengths_s, return_counts=True)
        shift = {25.0: -7.0, 40.0: 0.0, 47.6: 7.0}[latitude_deg]
        axes.bar(values + shift, counts / counts.sum(), width=6.5, color=colour, label=f"{latitude_deg:g} deg")
    axes.set(xlabel="seconds on one satellite", ylabel="share of stays", title="Dwell: 30, 60, 90 s", xlim=(0, 200))
    axes.set_xticks(range(0, 211, 30))
    axes.legend(title="latitude")


def _stays(serving: Floats) -> Floats:
    """Give the lengths, in slots, of whole stays on one satellite."""
    edges = np.flatnonzero(np.diff(serving) != 0)
    stays: Floats = np.diff(edges)[serving[edges[:-1] + 1] != NONE].astype(np.float64)
    return stays


def _rtt_over_passes(axes: Axes) -> None:
    seen = simulated_links(Settings(terminals=40, minutes=5.0, scenario="quiet", plan_ahead_s=30, edge_ratio=0.0))
    who = seen["terminal_index"] == seen["terminal_index"][0]
    at_s = (seen["observed_at_ns"][who] - _START_NS) / NS_PER_S
    axes.plot(at_s, seen["pop_ping_latency_ms"][who], ".-", ms=2, lw=0.7, color=_INK, label="RTT to the PoP")
    snr = axes.twinx()
    snr.plot(at_s, seen["snr_db"][who], lw=0.6, color=_SECOND, alpha=0.7)
    snr.set_ylabel("SNR, dB", color=_SECOND)
    for edge_s in range(0, 301, 30):
        axes.axvline(edge_s, color="#999999", lw=0.4)
    axes.set(xlabel="seconds", ylabel="RTT, ms", title="One terminal over ten slots: light, queue, edges")
    axes.legend(loc="upper left")


def _ground_tracks(axes: Axes) -> None:
    fleet = build_fleet(Settings(terminals=2_000), np.random.default_rng(1), Rules(), Slots())
    axes.plot(
        fleet.terminals.longitude_deg, fleet.terminals.latitude_deg, ".", ms=2, color="#aaaaaa", label="terminals"
    )
    axes.plot(fleet.gateways.longitude_deg, fleet.gateways.latitude_deg, "^", ms=3, color="black", label="gateways")
    instants = _START_NS + np.arange(0, 5_900, 20) * NS_PER_S
    for first, colour, name in ((0, _INK, "630 km"), (1_156, _SECOND, "610 km"), (2_452, _THIRD, "590 km")):
        track = propagate([fleet.carrying.satellites[first]], instants).position_km[:, 0]
        latitude_deg, longitude_deg, _ = geodetic(track)
        broken = np.where(np.abs(np.diff(longitude_deg, prepend=longitude_deg[0])) > 180.0, np.nan, latitude_deg)
        axes.plot(longitude_deg, broken, color=colour, lw=1, label=name)
    axes.set(xlabel="longitude, deg", ylabel="latitude, deg", title="Ground tracks of one orbit", ylim=(-66, 72))
    axes.legend(loc="lower left", fontsize=7, ncols=2)


def _storm(axes: Axes) -> None:
    weather = Weather(
        everyday_rain(
            np.full(1, 6.5), np.full(1, 3.4), _START_NS, _START_NS + 36_000 * NS_PER_S, np.random.default_rng(17)
        )
    )
    instants = _START_NS + np.arange(0, 36_000, 300) * NS_PER_S
    strongest = max(instants.tolist(), key=lambda at_ns: weather.active(at_ns).peak_mmph.max(initial=0.0))
    now = weather.active(strongest)
    middle = int(now.peak_mmph.argmax())
    east = now.longitude_deg[middle] + np.linspace(-0.7, 0.7, 240)
    north = now.latitude_deg[middle] + np.linspace(-0.45, 0.45, 160)
    grid = np.meshgrid(east, north)
    rate = weather.rate_mmph(direction(grid[1].ravel(), grid[0].ravel()), strongest).reshape(grid[0].shape)
    shown = axes.pcolormesh(east, north, np.ma.masked_less(rate, 0.1), cmap="Blues", norm=mpl.colors.PowerNorm(0.4))
    plt.colorbar(shown, ax=axes, label="rain, mm/h")
    fade = rain_db(np.maximum(rate, 1e-6), link.UPLINK_GHZ, np.full(rate.shape, 60.0)) - link.UPLINK_POWER_CONTROL_DB
    lines = axes.contour(east, north, fade, levels=[0.5, 5.0, 8.0], colors=[_THIRD, _SECOND, "red"], linewidths=1)
    axes.clabel(lines, fmt="%g dB", fontsize=7)
    axes.set(xlabel="longitude, deg", ylabel="latitude, deg")
    axes.set_title("A storm's footprint: rain, and the uplink's fade beyond power control")


@cache
def _ours() -> dict[str, Floats]:
    return simulated_links(LIKE_STARLINK)


def _named_seconds(real: Path, name: str) -> list[tuple[str, str, Floats]]:
    """Return what each colour stands for: ours and the two real traces, a value a second."""
    seconds = [
        ("simulated", _ours()),
        *((_name_of(path), real_seconds(path)) for path in sorted(real.glob("*.txt.gz"))),
    ]
    colours = (_INK, _SECOND, _THIRD)
    return [
        (label, colour, rows[name][np.isfinite(rows[name])])
        for (label, rows), colour in zip(seconds, colours, strict=True)
    ]


def _name_of(trace: Path) -> str:
    return "real, bent pipe (Seattle)" if "no-isl" in trace.name else "real, over lasers (Lagos)"


def _real_and_simulated_rtt(real: Path) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        for label, colour, rtt_ms in _named_seconds(real, "pop_ping_latency_ms"):
            axes.plot(np.sort(rtt_ms), np.arange(len(rtt_ms)) / len(rtt_ms), color=colour, label=label)
        axes.set(xlabel="RTT in the mean of a second, ms", ylabel="share below", xlim=(0, 220))
        axes.set_title("Real and simulated RTT, 15 s slots")
        axes.legend()

    return draw


def _real_and_simulated_loss(real: Path) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        for label, colour, lost_ratio in _named_seconds(real, "pop_ping_drop_ratio"):
            above = 1.0 - np.arange(len(lost_ratio)) / len(lost_ratio)
            axes.step(np.sort(lost_ratio), above, color=colour, label=f"{label}: {lost_ratio.mean():.1%} lost")
        axes.set(xlabel="share of a second's pings that is lost", ylabel="share of seconds that lose as much")
        axes.set(yscale="log", ylim=(1e-3, 1.0), title="Real and simulated loss, 15 s slots")
        axes.legend()

    return draw


def _outage_lengths(axes: Axes) -> None:
    lengths_s = np.sort(outage_lengths_s(served_among_trees(600)))
    axes.step(lengths_s, np.arange(len(lengths_s)) / len(lengths_s), color=_INK, label="simulated, among trees")
    real_s = REAL_OUTAGES["median_s"], REAL_OUTAGES["p90_s"]
    axes.plot(real_s, (0.5, 0.9), "o", color=_SECOND, label="a real, heavily obstructed dish: median, p90")
    axes.set(
        xlabel="seconds of an outage", ylabel="share shorter", xscale="log", title="Outages among trees, 15 s slots"
    )
    axes.legend()


def main(
    folder: Annotated[Path, typer.Argument(help="Where the pictures go.")],
    real: Annotated[Path, typer.Option(help="The folder of real RTT traces.")] = Path("tests/data/starlink_ping"),
) -> None:
    """Draw every picture."""
    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "leowatch", "svg.fonttype": "none", "font.size": 9})
    folder.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, Callable[[Axes], None]] = {
        "coverage-by-latitude": _coverage,
        "dwell": _dwell,
        "rtt-over-passes": _rtt_over_passes,
        "ground-tracks": _ground_tracks,
        "storm": _storm,
        "real-and-simulated-rtt": _real_and_simulated_rtt(real),
        "real-and-simulated-loss": _real_and_simulated_loss(real),
        "outage-lengths": _outage_lengths,
    }
    for name, draw in pictures.items():
        figure, axes = plt.subplots(figsize=(7.0, 3.8), layout="constrained")
        draw(axes)
        figure.savefig(folder / f"{name}.png", dpi=110, metadata={"Software": None})
        plt.close(figure)
        typer.echo(folder / f"{name}.png")


if __name__ == "__main__":
    typer.run(main)
