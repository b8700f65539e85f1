"""What the undisturbed process says of the chaos traffic is what the slow twin says: the other half of the comparison."""

import math

import pytest

from ingest.contract.columns import row_count
from ingest.contract.frame import TelemetryHeader, decode
from ingest.contract.telemetry import ATTACHMENT, TERMINAL
from streams.contract.catalogue import KIND_BY_CODE
from streams.knowledge import Knowledge
from streams.shard import COLUMNS_READ, new_state, step
from streams.thresholds import Thresholds
from tests.chaos.traffic import SHARD_COUNT, Traffic, inventory
from tests.reference.shard import ReferencePlan, ReferenceShard

TERMINAL_COUNT = 960
SECONDS = 400
SLOT_NS = 30_000_000_000
LAYOUTS = {layout.kind: layout for layout in (TERMINAL, ATTACHMENT)}
NOT_CONTENT = {"event_key", "event_code", "subject_kind", "decided_at_ns", "revision"}


@pytest.fixture(scope="module")
def frames():
    """Return the frames of each shard."""
    found = {shard: [] for shard in range(SHARD_COUNT)}
    for second in Traffic(terminal_count=TERMINAL_COUNT, seed=11).seconds(SECONDS):
        for record in second:
            found[int.from_bytes(record.key, "big")].append(record.value)
    return found


@pytest.mark.parametrize("shard", [0, 6, 11, 12])
def test_a_shard_of_each_rate_says_what_the_twin_says(frames, shard):
    network = inventory(TERMINAL_COUNT)

    arrays, twin = by_arrays(frames[shard], network, shard), by_twin(frames[shard], network, shard)
    assert len(arrays) > 100
    assert arrays == twin


def by_arrays(frames, network, shard):
    knowledge = Knowledge(inventory=network)
    state, final = new_state(shard, SHARD_COUNT), {}
    for value in frames:
        frame = decode(value, LAYOUTS, TelemetryHeader, only=COLUMNS_READ)
        state, findings = step(state, frame, knowledge)
        for row in range(row_count(findings.events)):
            event = {name: values[row].item() for name, values in findings.events.items() if name != "event_key"}
            keep(final, {"kind": KIND_BY_CODE[event["event_code"]].kind, **event})
    return final


def by_twin(frames, network, shard):
    twin = ReferenceShard(network.terminals[shard::SHARD_COUNT], ReferencePlan({}, SLOT_NS), Thresholds())
    for value in frames:
        frame = decode(value, LAYOUTS, TelemetryHeader, only=COLUMNS_READ)
        header, names = frame.header, list(frame.columns)
        rows = [
            dict(zip(names, row, strict=True))
            for row in zip(*(frame.columns[name].tolist() for name in names), strict=True)
        ]
        twin.frame(header.kind, header.producer_id, header.received_at_ns, rows, goodbye=header.goodbye)
    final = {}
    for event in twin.events:
        keep(final, event)
    return final


def keep(final, event):
    """Keep the last revision of an event, without what only says when it was decided."""
    known = {name: value for name, value in event.items() if name not in NOT_CONTENT and is_known(value)}
    content = {name: round(value, 1) + 0.0 if isinstance(value, float) else value for name, value in known.items()}
    ends = tuple(value for name, value in sorted(content.items()) if name.startswith(("from_", "to_")))
    key = event["kind"], event["subject_index"], event["started_at_ns"], ends
    if event["revision"] >= final.get(key, (0,))[0]:
        final[key] = event["revision"], content


def is_known(value):
    return value != -1 and not (isinstance(value, float) and math.isnan(value))
