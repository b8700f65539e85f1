"""The sky's command: `python -m simulators` says what a run will hold; with `--truth-out` it lives through it."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ingest.contract.instants import from_rfc3339, to_rfc3339
from simulators.run import Settings, Sky, new_sky

_EXIT_FATAL = 2


def main(
    terminals: Annotated[int, typer.Option(help="Number of terminals.", min=1)] = 2_000,
    minutes: Annotated[float, typer.Option(help="Simulated length.", min=0.1)] = 15.0,
    seed: Annotated[int, typer.Option(help="Of everything random.", min=0)] = 1,
    scenario: Annotated[str, typer.Option(help="A shipped scenario's name, or the path of one.")] = "bad_day",
    start: Annotated[str, typer.Option(help="First simulated instant, RFC 3339.")] = "2025-10-03T00:00:00Z",
    truth_out: Annotated[Path | None, typer.Option(help="Live through the run and write its truth here.")] = None,
) -> None:
    """Say who takes part in a run and what will break, as one JSON object."""
    try:
        start_at_ns = from_rfc3339(start)
        settings = Settings(terminals=terminals, minutes=minutes, seed=seed, scenario=scenario, start_at_ns=start_at_ns)
        sky = new_sky(settings, truth_dir=truth_out)
    except ValueError as error:
        typer.echo(f"simulators: {error}", err=True)
        raise typer.Exit(_EXIT_FATAL) from error
    said = _summary(sky)
    if truth_out is not None:
        said["samples"] = sum(second.live_count + second.stored_count for second in sky)
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")


def _summary(sky: Sky) -> dict[str, object]:
    inventory = sky.inventory
    return {
        "scenario": sky.scenario.name,
        "terminals": len(inventory.terminals),
        "satellites": len(inventory.satellites),
        "gateways": len(inventory.gateways),
        "pops": len(inventory.pops),
        "notes": list(sky.notes),
        "faults": [
            {
                "label_id": fault.label_id,
                "root_id": fault.root_id,
                "started_at": to_rfc3339(fault.started_at_ns),
                "ended_at": None if fault.ended_at_ns is None else to_rfc3339(fault.ended_at_ns),
            }
            for fault in sky.faults
        ],
    }


if __name__ == "__main__":
    typer.run(main)
