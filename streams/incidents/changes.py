"""What people and planners changed shortly before an incident began: where an on-call engineer looks first."""

from typing import Any

from ingest.contract.instants import NS_PER_S, to_rfc3339
from streams.knowledge import Knowledge

# A change that does harm does it soon; what is older is history.
SHORTLY_NS = 600 * NS_PER_S
# The newest so many are told; a planner that goes round a storm says a new plan every slot.
TOLD_COUNT = 10


def changes_before(knowledge: Knowledge, at_ns: int) -> list[dict[str, Any]]:
    """Return the changes in the ten minutes before an instant, the newest first: planned work, thresholds, plans replaced."""
    windows: list[tuple[int, dict[str, Any]]] = [
        (each.start_at_ns, {"type": "maintenance_window", "window_id": each.window_id, "subject_id": each.subject_id, "by": each.by})
        for each in knowledge.maintenance
        if not each.cancelled
    ]  # fmt: skip
    thresholds: list[tuple[int, dict[str, Any]]] = [
        (each.effective_at_ns, {"type": "threshold_change", "name": each.name, "value": each.value, "by": each.by})
        for each in knowledge.changes
    ]
    first_ns, last_ns = at_ns - SHORTLY_NS, at_ns
    plans: list[tuple[int, dict[str, Any]]] = [
        (replaced_ns, {"type": "plan_superseded", "plan_version": version})
        for replaced_ns, version in knowledge.replaced(first_ns, last_ns)
    ]
    found = [(when, what) for when, what in (*windows, *thresholds, *plans) if first_ns < when <= last_ns]
    found.sort(key=lambda one: -one[0])
    return [{"at": to_rfc3339(when), **what} for when, what in found[:TOLD_COUNT]]
