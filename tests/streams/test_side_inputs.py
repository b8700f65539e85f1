"""What the side topics say, in any order, and what is known of it when."""

import msgspec
import numpy as np
import pytest

from ingest.contract.bus import Message
from ingest.contract.control import MaintenanceWindow, ThresholdChange, control_key, encode_control
from ingest.contract.frame import TelemetryHeader, encode
from ingest.contract.inventory import Deployment, Gateway, Pop, Terminal, encode_record
from ingest.contract.plan import PLAN, PlanHeader
from ingest.contract.topics import CONTACT_PLAN, CONTROL_RECORDS, INVENTORY_GATEWAY, INVENTORY_POP, INVENTORY_TERMINAL
from ingest.contract.vocabulary import SubjectKind
from streams.side_inputs import SideInputs
from streams.thresholds import Thresholds

NS_PER_S = 1_000_000_000
SLOT_AT_NS = 1_759_449_600 * NS_PER_S


def message(topic, key, value):
    return Message(topic=topic.name, partition=0, offset=0, key=key.encode(), value=value, timestamp_ms=0)


def terminal(index):
    return message(
        INVENTORY_TERMINAL,
        f"t{index}",
        encode_record(Terminal(terminal_id=f"t{index}", terminal_index=index, tenant_index=0)),
    )


def deployment(version=1):
    return message(INVENTORY_TERMINAL, "deployment", encode_record(Deployment(version=version, shard_count=2)))


def control(record):
    return message(CONTROL_RECORDS, control_key(record), encode_control(record))


def window(version=1, end_at_ns=20):
    return MaintenanceWindow(
        window_id="w", subject_kind=SubjectKind.GATEWAY, subject_id="g", start_at_ns=10, end_at_ns=end_at_ns,
        version=version, by="ann",
    )  # fmt: skip


def threshold(name, value, version, effective_at_ns=0):
    return control(ThresholdChange(name=name, value=value, version=version, effective_at_ns=effective_at_ns, by="ann"))


def plan(version=3):
    header = PlanHeader(
        kind=PLAN.kind, version=PLAN.version, plan_version=version, slot_start_ns=SLOT_AT_NS,
        slot_end_ns=SLOT_AT_NS + 30 * NS_PER_S, valid_from_ns=SLOT_AT_NS, published_at_ns=SLOT_AT_NS,
    )  # fmt: skip
    rows = {name: np.array([-1]) for name in PLAN.names()} | {"satellite_index": np.array([17])}
    columns = {c.name: rows[c.name].astype(c.numpy_type) for c in PLAN.columns}
    return message(CONTACT_PLAN, "slot", encode(header, PLAN, columns))


def known(*batches):
    inputs = SideInputs()
    for batch in batches:
        inputs.take(batch)
        inputs.settle()
    return inputs.knowledge


def frame_of(received_at_ns=0, **versions):
    return TelemetryHeader(
        kind="terminal", version=1, received_at_ns=received_at_ns, producer_id="p", producer_sequence=1, **versions
    )


def limits(*records, **header):
    """Return the thresholds that a frame is judged by."""
    return known([deployment(), terminal(0), *records]).for_frame(frame_of(**header)).thresholds


def test_nothing_is_known_before_there_is_a_deployment():
    assert known([terminal(0)]) is None


def test_an_inventory_with_a_hole_is_not_known_and_the_one_before_holds():
    first = [deployment(1), terminal(0)]

    assert known(first, [deployment(2), terminal(2)]).inventory.version == 1
    assert known(first, [deployment(2), terminal(2)], [terminal(1)]).inventory.version == 2


def test_an_inventory_comes_over_several_topics_in_any_order():
    gateway = message(INVENTORY_GATEWAY, "g", encode_record(Gateway(gateway_id="g", gateway_index=0, pop_index=0)))
    pop = message(INVENTORY_POP, "p", encode_record(Pop(pop_id="p", pop_index=0)))
    found = known([pop, gateway, terminal(0), deployment()]).inventory

    assert (len(found.gateways), len(found.pops), len(found.terminals)) == (1, 1, 1)


def test_a_record_that_is_deleted_is_gone():
    gone = Message(topic=INVENTORY_TERMINAL.name, partition=0, offset=1, key=b"t1", value=None, timestamp_ms=0)

    assert len(known([deployment(), terminal(0), terminal(1)], [gone]).inventory.terminals) == 1


def test_a_plan_is_known_at_once_and_what_was_worked_out_of_the_inventory_stays():
    inputs = SideInputs()
    inputs.take([deployment(), terminal(0)])
    inputs.settle()
    before = inputs.knowledge
    assert not before.has_versions(frame_of(plan_version=3))
    inputs.take([plan(3)])
    inputs.settle()

    assert inputs.knowledge is before
    assert before.has_versions(frame_of(plan_version=3))


def test_of_a_maintenance_window_a_frame_sees_the_newest_version_that_it_knows():
    found = known([deployment(), terminal(0), control(window(1))], [control(window(2, end_at_ns=30))])

    assert found.has_versions(frame_of(maintenance_version=2))
    assert not found.has_versions(frame_of(maintenance_version=3))
    seen = [
        [each.end_at_ns for each in found.for_frame(frame_of(maintenance_version=version)).maintenance]
        for version in (0, 1, 2)
    ]
    assert seen == [[], [20], [30]]


def test_a_maintenance_window_that_was_called_off_covers_nobody_from_that_version_on():
    off = msgspec.structs.replace(window(2), cancelled=True)
    found = known([deployment(), terminal(0), control(window(1)), control(off)])

    assert found.for_frame(frame_of(maintenance_version=1)).maintenance == (window(1),)
    assert found.for_frame(frame_of(maintenance_version=2)).maintenance == ()


def test_threshold_changes_are_applied_in_the_order_of_their_versions():
    later_first = [threshold("tilt_warning_deg", 8.0, 2), threshold("tilt_warning_deg", 6.0, 1)]

    assert limits(*later_first, threshold_version=2).tilt_warning_deg == pytest.approx(8.0)
    assert limits(*later_first, threshold_version=1).tilt_warning_deg == pytest.approx(6.0)


def test_a_threshold_holds_from_its_own_instant_on_and_for_frames_that_know_of_it():
    change = threshold("tilt_warning_deg", 8.0, 1, effective_at_ns=100)
    before = Thresholds().tilt_warning_deg

    assert limits(change, received_at_ns=99, threshold_version=1).tilt_warning_deg == pytest.approx(before)
    assert limits(change, received_at_ns=100, threshold_version=1).tilt_warning_deg == pytest.approx(8.0)
    assert limits(change, received_at_ns=100, threshold_version=0).tilt_warning_deg == pytest.approx(before)


def test_two_thresholds_may_change_under_one_version():
    both = [threshold("tilt_warning_deg", 8.0, 1), threshold("outage_ns", 3e9, 1)]
    found = limits(*both, threshold_version=1)

    assert (found.tilt_warning_deg, found.outage_ns) == (8.0, 3 * NS_PER_S)


def test_a_threshold_keeps_its_type():
    assert isinstance(limits(threshold("outage_ns", 3e9, 1), threshold_version=1).outage_ns, int)


def test_what_was_worked_out_for_a_shard_stays_unless_a_threshold_changes_it():
    stays = known([deployment(), terminal(0), threshold("outage_ns", 3e9, 2), control(window(1))])
    plain = stays.for_frame(frame_of())
    windowed = stays.for_frame(frame_of(maintenance_version=1))
    stricter = stays.for_frame(frame_of(threshold_version=2))

    assert plain is stays.for_frame(frame_of())
    assert windowed.facts(0) is plain.facts(0)
    assert (plain.facts(0).outage_ns[0], stricter.facts(0).outage_ns[0]) == (2 * NS_PER_S, 3 * NS_PER_S)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no_such_thing", 1.0), ("version", 7.0), ("outage_ns", -1.0), ("outage_ns", 0.5), ("drop_ratio", 1.5),
        ("tilt_warning_deg", 181.0), ("silence_cadences", 0.0), ("outage_ns", 1e300),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_followed_has_no_effect_and_no_frame_waits_for_it(name, value):
    inputs = SideInputs()
    inputs.take([deployment(), terminal(0), threshold(name, value, 5)])
    inputs.settle()
    frame = frame_of(threshold_version=5)

    assert inputs.refused_count == 1
    assert inputs.knowledge.has_versions(frame)
    assert inputs.knowledge.for_frame(frame).thresholds == Thresholds()
    assert name in inputs.refused[0] or "$" in inputs.refused[0]


def test_what_cannot_be_read_is_counted_and_passed_over():
    inputs = SideInputs()
    broken = [message(topic, "x", b"{") for topic in (INVENTORY_TERMINAL, CONTROL_RECORDS, CONTACT_PLAN)]
    inputs.take([*broken, deployment(), terminal(0)])
    inputs.settle()

    assert inputs.refused_count == 3
    assert inputs.knowledge.thresholds == Thresholds()
