"""What a worker's bench costs, broker aside: on a quiet second, at an edge where all hand over, as terminals grow: `python -m bench.steps [COUNT...]`.

Each frame is decoded, stepped and what it says is encoded; every terminal is in the plan. The figures are CPU seconds
of this process a million samples: the median of the quiet seconds, and of the seconds in which every terminal follows
the plan to another satellite. One JSON object on stdout.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import count

import msgspec
import numpy as np

from bench import samples
from bench.samples import NS_PER_S, START_AT_NS
from ingest.contract.columns import Array
from ingest.contract.inventory import Deployment, Inventory
from ingest.contract.packing import Packer, Record, Versions
from ingest.contract.plan import PLAN, PlanHeader
from streams.knowledge import Knowledge
from streams.shard import to_arrays
from streams.workbench import Workbench

COUNTS = (10_000, 100_000, 1_000_000)
SLOT_S, SLOT_COUNT = 5, 4
TERMINALS_A_CELL = 20
# What a deployment of that size would take (design section 3).
FEW_SHARDS, MANY_SHARDS, MANY_TERMINALS = 16, 256, 500_000
_SEED = 1


def main(counts: list[int]) -> None:
    """Measure each size and print the figures."""
    found = {size: measure(size) for size in counts}
    print(json.dumps(found))  # noqa: T201 - the one line that is asked for


def measure(terminal_count: int) -> dict[str, float]:
    """Return the figures of one size."""
    shard_count = MANY_SHARDS if terminal_count >= MANY_TERMINALS else FEW_SHARDS
    known = knowledge(terminal_count, shard_count)
    bench = Workbench(partition_count=1, knowledge=lambda: known)
    offsets = count()
    quiet_s, edges_s = [], []
    for second, records in enumerate(seconds(terminal_count, shard_count)):
        cpu_s = handle(bench, records, offsets)
        # The first slot fills the states; nobody moves at its edge.
        if second > SLOT_S:
            (quiet_s if second % SLOT_S else edges_s).append(cpu_s / terminal_count * 1e6)
    if bench.counts["handovers_without_plan"]:
        raise SystemExit("a handover was not held against the plan")
    quiet, edge = statistics.median(quiet_s), statistics.median(edges_s)
    return {
        "shard_count": shard_count,
        "quiet_cpu_s_per_million": round(quiet, 3),
        "edge_cpu_s_per_million": round(edge, 3),
        "slot_edge_ratio": round(edge / quiet, 2),
        "bytes_per_terminal": round(state_bytes(bench, shard_count) / terminal_count, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def knowledge(terminal_count: int, shard_count: int) -> Knowledge:
    """Return inventory and plan: each slot has another satellite for every cell."""
    whole = samples.inventory(terminal_count)
    terminals = (
        msgspec.structs.replace(each, cell_id=cell)
        for each, cell in zip(whole.terminals, cells(terminal_count).tolist(), strict=True)
    )
    deployment = Deployment(version=1, shard_count=shard_count, slot_length_s=SLOT_S)
    others = (record for record in whole.records() if not isinstance(record, Deployment | type(whole.terminals[0])))
    known = Knowledge(Inventory([deployment, *others, *terminals]))
    cell_ids = np.unique(cells(terminal_count))
    for slot in range(-1, SLOT_COUNT + 1):
        known.plan.add(*plan(slot, cell_ids))
    return known


def cells(terminal_count: int) -> Array:
    """Return the cell of each terminal."""
    found: Array = np.arange(terminal_count) // TERMINALS_A_CELL + 1
    return found


def satellites(cell_ids: Array, slot: int) -> Array:
    """Return the planned satellite of each cell."""
    found: Array = ((cell_ids * 7 + slot * 13) % samples.SATELLITE_COUNT).astype(np.int32)
    return found


def plan(slot: int, cell_ids: Array) -> tuple[PlanHeader, dict[str, Array]]:
    """Return one slot's plan."""
    start_ns = START_AT_NS + slot * SLOT_S * NS_PER_S
    header = PlanHeader(
        kind=PLAN.kind, version=PLAN.version, plan_version=1, slot_start_ns=start_ns,
        slot_end_ns=start_ns + SLOT_S * NS_PER_S, valid_from_ns=start_ns, published_at_ns=start_ns - SLOT_S * NS_PER_S,
    )  # fmt: skip
    columns = {column.name: np.zeros(len(cell_ids), column.numpy_type) for column in PLAN.columns}
    columns |= {"cell_id": cell_ids, "satellite_index": satellites(cell_ids, slot)}
    columns["terminal_index"] -= 1
    return header, columns


def seconds(terminal_count: int, shard_count: int) -> Iterator[list[Record]]:
    """Yield each second's frames, full ones: everybody is served as planned, from the first sample of a slot on."""
    packer = Packer(producer_id="bench", shard_count=shard_count, partition_count=1)
    packer.versions = Versions(inventory=1, plan=1)
    rng = np.random.default_rng(_SEED)
    home = cells(terminal_count)
    for second in range(SLOT_S * SLOT_COUNT):
        columns = samples.columns(terminal_count, second, rng)
        columns["serving_satellite_index"] = satellites(home, second // SLOT_S)
        columns["observed_at_ns"] = np.full(terminal_count, START_AT_NS + second * NS_PER_S)
        yield packer.samples(columns, START_AT_NS + second * NS_PER_S)


def handle(bench: Workbench, records: list[Record], offsets: Iterator[int]) -> float:
    """Take frames in; return the CPU seconds that it took."""
    began_s = time.process_time()
    for record, offset in zip(records, offsets, strict=False):
        bench.handle(key=record.key, value=record.value, partition=0, offset=offset, at_ns=0)
    return time.process_time() - began_s


def state_bytes(bench: Workbench, shard_count: int) -> int:
    """Return how much is remembered."""
    standings = (bench.standing(shard) for shard in range(shard_count))
    return sum(values.nbytes for found in standings if found for values in to_arrays(found.state).values())


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(COUNTS))
