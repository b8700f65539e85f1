"""What was changed before an incident began."""

from dataclasses import replace

from ingest.contract.control import MaintenanceWindow, ThresholdChange
from ingest.contract.vocabulary import SubjectKind
from streams.incidents.changes import TOLD_COUNT, changes_before
from tests.make import SLOT_NS, START_NS, S, knowledge, plan_frame


def window(start_s, **more):
    return MaintenanceWindow(
        window_id=f"w{start_s}", subject_kind=SubjectKind.GATEWAY, subject_id="g1", start_at_ns=START_NS + start_s * S,
        end_at_ns=START_NS + 9_000 * S, version=1, by="ann", **more,
    )  # fmt: skip


def test_planned_work_thresholds_and_replaced_plans_are_told_newest_first():
    again = plan_frame(1, {7: 2}, version=2, from_s=12, published_s=10)
    known = knowledge(plan={0: {7: 1}, 1: {7: 1}}, replans=[again], maintenance=(window(20),))
    change = ThresholdChange(name="tilt_warning_deg", value=4.0, version=1, effective_at_ns=START_NS + 30 * S, by="bob")

    found = changes_before(replace(known, changes=(change,)), START_NS + 60 * S)

    assert [one["type"] for one in found] == ["plan_superseded", "threshold_change", "maintenance_window"]
    assert [one["at"] for one in found] == ["2025-10-03T00:00:42Z", "2025-10-03T00:00:30Z", "2025-10-03T00:00:20Z"]


def test_what_is_older_than_ten_minutes_or_comes_later_or_was_called_off_is_not_told():
    known = knowledge(maintenance=(window(99), window(701), window(300, cancelled=True)))

    assert changes_before(known, START_NS + 700 * S) == []


def test_a_planner_that_replans_every_slot_does_not_fill_the_record():
    slots = range(40)
    again = [plan_frame(slot, {7: 2}, version=100 + slot, from_s=12, published_s=10) for slot in slots]
    known = knowledge(plan={slot: {7: 1} for slot in slots}, replans=again)

    assert len(changes_before(known, START_NS + 40 * SLOT_NS)) == TOLD_COUNT
