"""A run lived through, decoded: what the tests of the sky look at."""

import json
from dataclasses import dataclass, field

import numpy as np
import pyarrow.parquet as pq

from ingest.contract.columns import concatenate
from ingest.contract.control import decode_control
from ingest.contract.frame import Rejected, TelemetryHeader, decode
from ingest.contract.plan import PLAN_LAYOUTS, PlanHeader
from ingest.contract.telemetry import LAYOUTS
from ingest.contract.topics import CONTACT_PLAN, CONTROL_RECORDS
from simulators.run import new_sky


@dataclass
class Lived:
    sky: object
    seconds: list
    frames: list  # of telemetry, in the order of writing
    plans: list
    controls: list
    truth_dir: object
    found: dict = field(default_factory=dict)

    def rows(self, kind, *, stored=None):
        if (kind, stored) not in self.found:
            chosen = [
                frame.columns
                for frame in self.frames
                if frame.header.kind == kind and frame.rows and (stored is None or frame.header.stored == stored)
            ]
            self.found[kind, stored] = concatenate(chosen, LAYOUTS[kind])
        return self.found[kind, stored]

    def truth(self, name):
        return pq.read_table(self.truth_dir / f"{name}.parquet").to_pandas()

    def labels(self):
        lines = (self.truth_dir / "labels.jsonl").read_text().splitlines()
        return {label["kind"]: label for label in map(json.loads, lines)}

    def index_of(self, terminal_id):
        return [t.terminal_id for t in self.sky.inventory.terminals].index(terminal_id)


def live_through(settings, truth_dir=None):
    sky = new_sky(settings, truth_dir=truth_dir)
    seconds = list(sky)
    records = [record for second in seconds for record in second.records]
    plans = [decode(r.value, PLAN_LAYOUTS, PlanHeader) for r in records if r.topic is CONTACT_PLAN]
    frames = [
        decode(r.value, LAYOUTS, TelemetryHeader) for r in records if r.topic not in (CONTACT_PLAN, CONTROL_RECORDS)
    ]
    controls = [decode_control(r.value) for r in records if r.topic is CONTROL_RECORDS]
    assert not [frame for frame in plans + frames if isinstance(frame, Rejected)]
    return Lived(sky=sky, seconds=seconds, frames=frames, plans=plans, controls=controls, truth_dir=truth_dir)


def by_terminal(columns):
    """Order rows by terminal and time."""
    order = np.lexsort((columns["observed_at_ns"], columns["terminal_index"]))
    return {name: values[order] for name, values in columns.items()}


def written(settings, truth_dir=None):
    return [
        (record.topic.name, record.key, record.partition, record.value)
        for second in new_sky(settings, truth_dir=truth_dir)
        for record in second.records
    ]
