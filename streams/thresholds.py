"""The detectors' settings, each with its reason and its range; `control.v1` may change one from an instant on."""

import math
from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from ingest.contract.control import ThresholdChange
from ingest.contract.instants import NS_PER_S

# A day is longer than anything that is waited for, and half a turn is as far off as a face can look.
Span = Annotated[int, Meta(gt=0, le=86_400 * NS_PER_S)]
Angle = Annotated[float, Meta(gt=0, le=180)]
Ratio = Annotated[float, Meta(gt=0, le=1)]
Times = Annotated[float, Meta(gt=0, le=1_000)]


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as what.

    Attributes:
        lateness_ns: The watermark stands so far behind the clock (design section 3).
        reorder_wait_ns: A hole holds its terminal no longer than this by the log's clock.
        producer_timeout_ns: A producer silent for so long by the others' clocks has left; its terminals are blind.
        drop_ratio: A sample that lost so many pings is bad: 1.00 recall and precision on real data (domain 5c).
        stamp_jitter_ns: Stamps of one cadence lie so far apart: two bad seconds of 1.98 s are two bad seconds.
        outage_ns: A bad run of this length is an outage; shorter ones are invisible at 1 Hz.
        critical_outage_ns: The same for operational technology (domain S83).
        merge_ns: Outages so close together are one (domain 5c).
        silence_cadences: Silence is suspected after so many missed samples ...
        silence_ns: ... and no sooner than this.
        stored_wait_ns: So long after a return the terminal's ring may still explain what happened.
        first_contact_ns: A terminal never heard since somebody listens is not missed before: it may be booting (40 to 60 s).
        ring_ns: A terminal's ring that reaches back so far may have been full (900 s, less what is told late).
        slot_edge_ns: An outage that starts so near a slot's edge is slot-aligned (domain 5a).
        work_overrun_ns: Planned work may end so late before it is a fault, as long as a gateway's return takes to be noticed.
        on_time_s: A handover within this of the plan is on time.
        ping_pong_ns: A return to the satellite left within this is a ping-pong.
        short_stay_ns: A stay under this is short (domain S09).
        adjacent_cadences: Samples further apart than this have a gap between them.
        tilt_warning_deg: Off the reference by more than this ...
        tilt_warning_ns: ... for this long (domain 5e).
        tilt_critical_deg: Starlink's own alert limit (domain 4b, alert 54) ...
        tilt_critical_ns: ... for this long; the same time with service impact above the warning angle.
        tilt_uncertainty_deg: Only samples whose filter is surer than this count.
        tilt_doubts: A reading of an unsettled filter agrees with the reference within the warning angle and so many of its
            own uncertainties.
        tilt_stable_ns: A filter that was settled for so long and then loses its footing ...
        tilt_lost_ns: ... for so long was disturbed.
        tilt_restored_ns: Back at the reference for so long is restored.
        network_hold_ns: A part of the network is out after so long: a switch-over of a second is none.
        network_return_ns: It is back after so long: a part that comes back for a moment has not come back.
        network_silent_ns: A gateway or PoP that misses ten reports, one a second, while others speak is out.
        rekeying_ns: Keys are changed within seconds; a change that takes so long has failed.
        scrubbing_return_ns: A flood comes in waves: scrubbing that rests for less is the same one.
        invalid_routes_count: Single invalid routes are other people's typing errors; so many at once are an attack or a leak.
        egress_loss_ratio: Loss beyond the PoP that people notice in calls (1 to 2 %) ...
        egress_return_ratio: ... and that is over when it falls below this ...
        egress_ns: ... each for so long: one second of loss is a burst.
        laser_ns: Lasers report every 10 s: down in two reports in a row, or up in two.
        cell_load_ratio: A beam this full has no room left: what more is wanted waits ...
        cell_return_ratio: ... until there is room again ...
        cell_ns: ... each for so long: a download of one terminal can fill a beam for seconds.
        plan_lead_ns: Half a slot: so little is planned ahead only if the next plan has not come, and before service ends.
    """

    lateness_ns: Span = 30 * NS_PER_S
    reorder_wait_ns: Span = 2 * NS_PER_S
    producer_timeout_ns: Span = 10 * NS_PER_S
    drop_ratio: Ratio = 0.5
    stamp_jitter_ns: Span = 100_000_000
    outage_ns: Span = 2 * NS_PER_S
    critical_outage_ns: Span = 1 * NS_PER_S
    merge_ns: Span = 1 * NS_PER_S
    silence_cadences: Times = 3.0
    silence_ns: Span = 5 * NS_PER_S
    stored_wait_ns: Span = 30 * NS_PER_S
    first_contact_ns: Span = 60 * NS_PER_S
    ring_ns: Span = 890 * NS_PER_S
    slot_edge_ns: Span = 350_000_000
    work_overrun_ns: Span = 30 * NS_PER_S
    on_time_s: Times = 1.5
    ping_pong_ns: Span = 60 * NS_PER_S
    short_stay_ns: Span = 15 * NS_PER_S
    adjacent_cadences: Times = 1.5
    tilt_warning_deg: Angle = 5.0
    tilt_warning_ns: Span = 30 * NS_PER_S
    tilt_critical_deg: Angle = 30.0
    tilt_critical_ns: Span = 10 * NS_PER_S
    tilt_uncertainty_deg: Angle = 3.0
    tilt_doubts: Times = 2.0
    tilt_stable_ns: Span = 60 * NS_PER_S
    tilt_lost_ns: Span = 5 * NS_PER_S
    tilt_restored_ns: Span = 10 * NS_PER_S
    network_hold_ns: Span = 5 * NS_PER_S
    network_return_ns: Span = 10 * NS_PER_S
    network_silent_ns: Span = 10 * NS_PER_S
    rekeying_ns: Span = 60 * NS_PER_S
    scrubbing_return_ns: Span = 60 * NS_PER_S
    invalid_routes_count: Times = 10.0
    egress_loss_ratio: Ratio = 0.02
    egress_return_ratio: Ratio = 0.01
    egress_ns: Span = 30 * NS_PER_S
    laser_ns: Span = 10 * NS_PER_S
    cell_load_ratio: Ratio = 0.97
    cell_return_ratio: Ratio = 0.9
    cell_ns: Span = 60 * NS_PER_S
    plan_lead_ns: Span = 15 * NS_PER_S


def changed(limits: Thresholds, change: ThresholdChange) -> Thresholds:
    """Return thresholds with one of them changed.

    Raises:
        ValueError: There is none of that name, or the value is no number.
        msgspec.ValidationError: It is out of its range.
    """
    if change.name not in Thresholds.__struct_fields__:
        raise ValueError(f"no threshold is called {change.name!r}")
    kind = type(getattr(limits, change.name))
    if not math.isfinite(change.value):
        raise ValueError(f"{change.name} cannot be {change.value}")
    return msgspec.convert(msgspec.to_builtins(limits) | {change.name: kind(change.value)}, Thresholds)


def in_force(changes: Iterable[ThresholdChange], version: int, at_ns: int) -> tuple[ThresholdChange, ...]:
    """Return the changes that hold at an instant under a version, in the order in which they apply."""
    ordered = sorted(changes, key=lambda change: (change.version, change.name))
    return tuple(change for change in ordered if change.version <= version and change.effective_at_ns <= at_ns)
