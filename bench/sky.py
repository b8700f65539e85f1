"""How fast the sky is: samples a second of one core, frames encoded, faults on; `python -m bench.sky`.

By the process's own CPU, so that others on the machine do not count. The last line of stdout is one JSON object.
A day of a thousand terminals: `python -m bench.sky --terminals 1000 --seconds 86400 --shards 16 --scenario soak`.
"""

import json
import resource
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from simulators.run import Settings, Sky, new_sky

# The first second of a run draws up a plan and holds every rare column: it is paid once.
_WARM_S = 2
_HOUR_S = 3_600


def main(
    terminals: Annotated[int, typer.Option(help="Number of terminals.", min=1)] = 1_000_000,
    seconds: Annotated[int, typer.Option(help="Simulated length.", min=3)] = 64,
    scenario: Annotated[str, typer.Option(help="What goes wrong.")] = "grey_day",
    shards: Annotated[int, typer.Option(help="A power of two.", min=1)] = 256,
    truth: Annotated[bool, typer.Option(help="Write truth down too.")] = False,
) -> None:
    """Live through a run and say what it took."""
    settings = Settings(
        terminals=terminals, minutes=seconds / 60, scenario=scenario, shard_count=shards, partition_count=4
    )
    with TemporaryDirectory(prefix="sky-") as folder:
        began_s = time.process_time()
        sky = new_sky(settings, truth_dir=Path(folder) if truth else None)
        built_s = time.process_time() - began_s
        typer.echo(
            json.dumps({**_live(sky), "terminals": terminals, "scenario": scenario, "build_cpu_s": round(built_s, 1)})
        )


def _live(sky: Sky) -> dict[str, Any]:
    samples = encoded_bytes = 0
    took_s: list[float] = []
    rss_mb: dict[str, int] = {}
    started_s, began_s = time.perf_counter(), time.process_time()
    for second in sky:
        now_s = time.process_time()
        took_s.append(now_s - began_s)
        began_s = now_s
        if len(took_s) > _WARM_S:
            samples += second.live_count + second.stored_count
            encoded_bytes += sum(len(record.value) for record in second.records)
        if len(took_s) % _HOUR_S == 0:
            rss_mb[f"{len(took_s) // _HOUR_S} h"] = _peak_rss_mb()
    timed_s = sum(took_s[_WARM_S:])
    return {
        "samples_per_cpu_s": round(samples / timed_s),
        "cpu_us_per_sample": round(timed_s / samples * 1e6, 3),
        "samples": samples,
        "slowest_second_cpu_s": round(max(took_s[_WARM_S:]), 2),
        "fastest_second_cpu_s": round(min(took_s[_WARM_S:]), 2),
        "bytes_per_sample": round(encoded_bytes / samples, 1),
        "cpu_s": round(sum(took_s), 1),
        "wall_s": round(time.perf_counter() - started_s, 1),
        "peak_rss_mb": _peak_rss_mb(),
        "peak_rss_mb_by": rss_mb,
    }


def _peak_rss_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    typer.run(main)
