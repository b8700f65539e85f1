"""The contact plan: which satellite, beam, gateway and PoP serve which cell in each slot, said before it happens.

A slot's plan is one or more frames; the last one is flagged `complete`. A later `plan_version` for the same slot
supersedes the earlier one from `valid_from_ns` on.
"""

import msgspec

from ingest.contract.columns import Column, Layout
from ingest.contract.instants import At, Count
from ingest.contract.telemetry import INDEX_LIMIT
from ingest.contract.vocabulary import PathKind


class PlanHeader(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The metadata of a plan frame.

    Attributes:
        kind: Always `plan`.
        version: The layout's version.
        plan_version: Rises with every publication; frames name the one in force.
        slot_start_ns: First instant of the slot.
        slot_end_ns: First instant after it.
        valid_from_ns: From when these rows hold: the slot's start, or later where a running slot is superseded.
        published_at_ns: When it was published; never after `valid_from_ns` unless the plan itself was late.
        supersedes: The plan_version it replaces for this slot; 0 for none.
        part: Number of this frame within the slot, from 0.
        complete: True on the last part.
    """

    kind: str
    version: int
    plan_version: Count
    slot_start_ns: At
    slot_end_ns: At
    valid_from_ns: At
    published_at_ns: At
    supersedes: Count = 0
    part: Count = 0
    complete: bool = True


def _index(name: str, description: str) -> Column:
    return Column(name=name, dtype="i4", required=True, minimum=-1, maximum=INDEX_LIMIT, description=description)


PLAN = Layout(
    kind="plan",
    version=1,
    description="One cell's (or one singled-out terminal's) service in one slot; satellite -1 means none is planned.",
    columns=(
        Column(name="cell_id", dtype="i8", required=True, minimum=-1, description="The h3 cell (resolution 5); -1 in a terminal's own row."),
        _index("terminal_index", "The terminal, where the plan singles one out; -1 for the whole cell."),
        _index("satellite_index", "Satellite that serves it; -1 for none (an expected gap)."),
        _index("beam_id", "Beam of that satellite."),
        _index("frequency_id", "Channel and polarisation."),
        _index("gateway_index", "Gateway where its traffic lands."),
        _index("pop_index", "PoP where its traffic leaves."),
        Column(name="path_kind", dtype="i1", required=True, choices=PathKind, description="Bent pipe, over lasers, or none."),
        Column(name="laser_count", dtype="i1", minimum=0, maximum=127, description="Lasers on the way to the satellite that lands it."),
    ),
)  # fmt: skip

PLAN_LAYOUTS = {PLAN.kind: PLAN}
