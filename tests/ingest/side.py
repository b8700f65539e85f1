"""Builders of the side topics' records as a consumer reads them."""

import itertools

import numpy as np

from ingest.contract.bus import Message
from ingest.contract.control import MaintenanceWindow, ThresholdChange, control_key, encode_control
from ingest.contract.frame import encode
from ingest.contract.packing import inventory_records
from ingest.contract.plan import PLAN, PlanHeader
from ingest.contract.topics import CONTACT_PLAN, CONTROL_RECORDS
from ingest.contract.vocabulary import SubjectKind
from tests.make import START_NS, S, inventory

_offsets = itertools.count()


def message(topic, key, value):
    """Return a record of a topic."""
    return Message(topic=topic.name, partition=0, offset=next(_offsets), key=key, value=value, timestamp_ms=0)


def stock(version=1, count=4):
    """Return the records of a whole inventory."""
    return [message(r.topic, r.key, r.value) for r in inventory_records(inventory(count, version=version))]


def plan(version, *, part=0, complete=True):
    """Return one part of a slot's plan."""
    header = PlanHeader(
        kind=PLAN.kind, version=PLAN.version, plan_version=version, slot_start_ns=START_NS,
        slot_end_ns=START_NS + 30 * S, valid_from_ns=START_NS, published_at_ns=START_NS, part=part, complete=complete,
    )  # fmt: skip
    columns = {c.name: np.array([-1], c.numpy_type) for c in PLAN.columns}
    return message(CONTACT_PLAN, b"slot", encode(header, PLAN, columns))


def window(version):
    """Return a maintenance window."""
    record = MaintenanceWindow(
        window_id="w", subject_kind=SubjectKind.GATEWAY, subject_id="g0", start_at_ns=10, end_at_ns=20,
        version=version, by="ann",
    )  # fmt: skip
    return control(record)


def threshold(version, *, name="outage_ns", value=3e9):
    """Return a change of a threshold."""
    return control(ThresholdChange(name=name, value=value, version=version, effective_at_ns=0, by="ann"))


def control(record):
    """Return a control record."""
    return message(CONTROL_RECORDS, control_key(record).encode(), encode_control(record))
