"""What the judge forgives, each number with its reason, and which word answers which truth."""

from typing import Any

import msgspec

from leowatch.score.files import truth_schema


class Tolerances(msgspec.Struct, frozen=True, kw_only=True):
    """The judge's tolerances; they are printed with every verdict.

    Attributes:
        clock_slack_s: An incident may open this much before its fault: truth runs on the terminal's clock, incidents
            on the door's, and the door accepts samples up to 5 s ahead.
        late_grace_s: An incident that opens this long after recovery is still about that fault (a terminal keeps 15
            minutes of samples and sends them when it is back), so it is late and not false; the fault stays missed.
        outage_floor_s: Shorter outages need not be found: the detector's stated rule. A terminal that measures less often
            than every second may miss any that is shorter than its own cadence.
        outage_merge_s: Outages of a terminal this close are one: the dish's own rule, and the detector's.
        outage_apart_s: True outages closer than this may be told as one: the detector's rule, and a sample on each edge; by
            a terminal that measures less often, as many samples.
        outage_reach_s: Intervals that miss one another by less are the same outage: 1 Hz samples on both edges.
        visible_s: A part of a merged outage that is shorter names no cause: it is invisible at 1 Hz (domain 5c).
        cause_wait_s: A cause is asked for once an outage is over for so long: a terminal that was dark tells why from its
            ring, within 15 s of its return, and is given 30 s; while it is dark nobody can know.
        handover_s: Around the true instant: the sample's second and the half second of its averaging. A terminal that
            measures less often sees a handover later by what its cadence is longer than a second.
        tilt_warning_deg, tilt_warning_hold_s: Off the first attitude by more, for longer, is an episode.
        tilt_critical_deg, tilt_critical_hold_s: The same for a face that was knocked over.
        tilt_reach_s: As `outage_reach_s`; the attitude filter takes seconds to follow.
    """

    clock_slack_s: float = 5.0
    late_grace_s: float = 900.0
    outage_floor_s: float = 2.0
    outage_merge_s: float = 1.0
    outage_apart_s: float = 3.0
    outage_reach_s: float = 2.0
    visible_s: float = 1.0
    cause_wait_s: float = 45.0
    handover_s: float = 1.5
    tilt_warning_deg: float = 5.0
    tilt_warning_hold_s: float = 30.0
    tilt_critical_deg: float = 30.0
    tilt_critical_hold_s: float = 10.0
    tilt_reach_s: float = 15.0


# Which causes of an incident name which fault rightly, and the kind of its root: truth's own contract says so; a fault
# kind that it does not know is refused, never skipped.
_FAULTS: dict[str, dict[str, Any]] = truth_schema()["faults"]
FAULT_CAUSES: dict[str, frozenset[str]] = {kind: frozenset(row["told_by"]) for kind, row in _FAULTS.items()}
FAULT_ROOTS: dict[str, str] = {kind: row["root_kind"] for kind, row in _FAULTS.items()}

# Which causes of an outage event name the true one rightly. Rain and a weak link show a terminal only that the
# downlink or the pings fail; a terminal between two satellites says that it has no schedule or searches.
OUTAGE_CAUSES: dict[str, frozenset[str]] = {
    "coverage_gap": frozenset({"coverage_gap", "no_satellites"}),
    "gateway_down": frozenset({"gateway"}),
    "power_lost": frozenset({"power"}),
    "booting": frozenset({"booting"}),
    "tilt": frozenset({"tilt"}),
    "handover": frozenset({"no_schedule", "searching"}),
    "rain": frozenset({"no_downlink", "no_pings"}),
    "link": frozenset({"no_downlink", "no_pings", "obstructed"}),
    "installing": frozenset({"searching", "booting", "power"}),
    "obstruction": frozenset({"obstructed", "no_schedule", "searching"}),
    "satellite_down": frozenset({"no_downlink", "no_pings"}),
    "pop_down": frozenset({"no_pings"}),
    "no_plan": frozenset({"no_schedule"}),
    "stowed": frozenset({"stowed"}),
    "sleeping": frozenset({"sleeping"}),
    "thermal_shutdown": frozenset({"thermal_shutdown"}),
}
# True gaps that geometry or the schedule explains: no fault, counted apart.
EXPECTED_GAPS = frozenset({"coverage_gap"})

# Who is woken, by the label's audience; any other audience is woken by nobody.
PAGED_TEAMS: dict[str, str] = {
    "noc_page": "noc",
    "soc_page": "soc",
    "pipeline_page": "pipeline",
    "ot_page": "ot",
}
