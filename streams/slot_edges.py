"""Handover from RTT alone: slot length and phase, neither known, and the boundaries at which the path changed.

Watches: probe RTTs of a terminal that names no satellite.
Emits: a slot estimate, and each boundary whose RTT steps.
Thresholds: `SlotSettings`, each with its reason.
Cannot see: a boundary at which the same satellite stays or the new path is as long (more than half of them on real
traces, domain section 5c); a boundary with too few replies beside it; probes sparser than one a second.

    probes -> windows (median, spread) -> z of the step at each half second -> changes (peaks of z)
           -> fold the changes by every candidate length -> significant? -> length, phase -> judge every boundary
"""

import math
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
# Rows of a window matrix handled at once: bounds memory at 100 probes a second (600 columns) to some 50 MB.
_ROWS_AT_ONCE_COUNT = 8_192


class SlotSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a step is, and when a rhythm of steps is a slot.

    Attributes:
        window_s: Each side's median is taken over this (domain 5c).
        sparse_window_s: The same where 3 s hold too few probes: at 1 Hz six a side, the most a 15 s slot leaves room for.
        guard_s: Left out on both sides of an instant: the interruption itself (50 to 500 ms, domain 5a).
        step_z: A step fires at this (domain 5c).
        independent_samples_count: Independent RTTs in a window. Successive RTTs resemble each other, so a median is no
            more certain than that of four: `step_z` then fires mid-slot at 0.44 and 0.19 % of the instants of the two
            real traces, the bar of domain 5c being 0.43 and 0.22 %.
        resolution_ms: Least spread: clocks and printed digits make two quiet windows differ by this and mean nothing.
        least_replies_count: Fewer replies than this in a window say nothing.
        least_replies_ratio: Nor do fewer than this share of what the cadence promises: the rest is a hole.
        grid_s: Instants judged, and the step of candidate lengths: schedulers use whole or half seconds.
        shortest_slot_s: Shortest candidate; changes less than a window apart are one.
        longest_slot_s: Longest candidate.
        tolerance_s: A change this near a boundary counts as at it: the blur that the guard leaves.
        least_blur_s: A phase is not known better than this nor than half a cadence: a hundred shifts of the two real traces
            leave it within 0.15 s of the truth.
        chance: Odds that a trace without slots shows some, over all lengths and phases tried.
        least_lift: Changes at boundaries are at least this many times as dense as elsewhere; a mere tendency is no slot.
        overdispersion: Changes keep a distance from each other and so are more regular than chance; the evidence must
            be this many times what independent ones would need. Of 22,000 traces without slots (random walks, noise,
            steps at random times) the most was 26 of 32, and none showed a slot.
    """

    window_s: float = 3.0
    sparse_window_s: float = 6.0
    guard_s: float = 0.25
    step_z: float = 3.0
    independent_samples_count: float = 4.0
    resolution_ms: float = 0.5
    least_replies_count: int = 5
    least_replies_ratio: float = 1 / 3
    grid_s: float = 0.5
    shortest_slot_s: float = 5.0
    longest_slot_s: float = 60.0
    tolerance_s: float = 0.5
    least_blur_s: float = 0.1
    chance: float = 1e-3
    least_lift: float = 4.0
    overdispersion: float = 2.0


class SlotEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """What the RTTs say about slots; every None is "cannot tell".

    Attributes:
        slot_length_s: Length; None without significant rhythm.
        slot_phase_s: Boundaries lie at Unix times that leave this remainder when divided by the length.
        boundary_to_mid_slot_ratio: Firing rate at boundaries over firing rate mid-slot; None if nothing fired mid-slot.
        boundary_recall_ratio: Share of the boundaries judged that fired.
        boundary_count: Boundaries of the slots in which a probe was answered.
        boundary_judged_count: Those with replies enough on both sides.
        boundary_fired_count: Those that fired.
        mid_slot_judged_count: Instants whose windows lie inside one slot, a second apart, with replies enough.
        mid_slot_fired_count: Those that fired.
        evidence: Log-likelihood ratio of the rhythm against chance.
        evidence_needed: What it had to reach.
    """

    slot_length_s: float | None = None
    slot_phase_s: float | None = None
    boundary_to_mid_slot_ratio: float | None = None
    boundary_recall_ratio: float | None = None
    boundary_count: int = 0
    boundary_judged_count: int = 0
    boundary_fired_count: int = 0
    mid_slot_judged_count: int = 0
    mid_slot_fired_count: int = 0
    evidence: float = 0.0
    evidence_needed: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotEdges:
    """The estimate, and the boundaries that fired: handovers seen by RTT alone.

    Attributes:
        estimate: Length, phase and how well they hold.
        fired_at_ns: The boundaries.
        step_ms: RTT after less RTT before, at each.
        step_z: The same in units of its uncertainty.
    """

    estimate: SlotEstimate
    fired_at_ns: Ints
    step_ms: Floats
    step_z: Floats


@dataclass(frozen=True, slots=True)
class _Replies:
    """Answered probes in order, in seconds since a whole second of the Unix epoch."""

    origin_s: int
    at_s: Floats
    rtt_ms: Floats
    cadence_s: float
    window_s: float
    needed_count: int


@dataclass(frozen=True, slots=True)
class _Rhythm:
    length_s: float
    phase_s: float
    evidence: float
    needed: float
    lift: float


def find_slot_edges(sent_at_ns: Ints, rtt_ms: Floats, settings: SlotSettings | None = None) -> SlotEdges:
    """Find the slots of a probe trace and the boundaries at which its path changed.

    Args:
        sent_at_ns: When each probe was sent.
        rtt_ms: Its round trip; NaN where it was lost.
        settings: Thresholds.
    """
    settings = settings or SlotSettings()
    replies = _replies(sent_at_ns, rtt_ms, settings)
    if replies is None:
        return _nothing(SlotEstimate())
    rhythm = _find_rhythm(replies, settings)
    if rhythm is None:
        return _nothing(SlotEstimate())
    if rhythm.evidence < rhythm.needed or rhythm.lift < settings.least_lift:
        return _nothing(SlotEstimate(evidence=rhythm.evidence, evidence_needed=rhythm.needed))
    return _judge(replies, _refine(replies, rhythm, settings), settings)


def _nothing(estimate: SlotEstimate) -> SlotEdges:
    none = np.empty(0)
    return SlotEdges(estimate=estimate, fired_at_ns=np.empty(0, np.int64), step_ms=none, step_z=none)


def _replies(sent_at_ns: Ints, rtt_ms: Floats, settings: SlotSettings) -> _Replies | None:
    answered = np.flatnonzero(np.isfinite(rtt_ms))
    if len(answered) < 2 * settings.least_replies_count:
        return None
    rtt_ms = rtt_ms[answered].astype(np.float64)
    # A probe that is under way at the boundary returns by the new path, so its instant is the middle of its flight.
    at_ns = sent_at_ns[answered] + np.rint(rtt_ms * (_NS_PER_MS / 2)).astype(np.int64)
    order = np.argsort(at_ns, kind="stable")
    origin_s = int(at_ns[order[0]]) // _NS_PER_S
    at_s = (at_ns[order] - origin_s * _NS_PER_S) / _NS_PER_S
    cadence_s = max(float(np.median(np.diff(at_s))), 1e-3)
    dense = settings.window_s >= 2 * settings.least_replies_count * cadence_s
    window_s = settings.window_s if dense else settings.sparse_window_s
    needed = max(settings.least_replies_count, math.ceil(settings.least_replies_ratio * window_s / cadence_s))
    return _Replies(origin_s, at_s, rtt_ms[order], cadence_s, window_s, needed)


def _windows(replies: _Replies, start_s: Floats) -> tuple[Floats, Floats]:
    """Return median and variance of the replies in `window_s` from each start; NaN where there are too few."""
    median, variance = np.full(len(start_s), np.nan), np.full(len(start_s), np.nan)
    first = np.searchsorted(replies.at_s, start_s)
    past = np.searchsorted(replies.at_s, start_s + replies.window_s)
    enough = np.flatnonzero(past - first >= replies.needed_count)
    for part in np.array_split(enough, len(enough) // _ROWS_AT_ONCE_COUNT + 1):
        if len(part):
            median[part], variance[part] = _moments(replies.rtt_ms, first[part], past[part] - first[part])
    return median, variance


def _moments(rtt_ms: Floats, first: Ints, count: Ints) -> tuple[Floats, Floats]:
    place = np.arange(int(count.max()))
    inside = place < count[:, None]
    values = np.where(inside, rtt_ms[np.minimum(first[:, None] + place, len(rtt_ms) - 1)], np.inf)
    values.sort(axis=1)
    rows = np.arange(len(count))
    median = (values[rows, (count - 1) // 2] + values[rows, count // 2]) / 2
    deviation = np.where(inside, values - median[:, None], 0.0)
    mean = deviation.sum(axis=1) / count
    return median, ((deviation**2).sum(axis=1) - count * mean**2) / (count - 1)


def _steps(replies: _Replies, at_s: Floats, settings: SlotSettings) -> tuple[Floats, Floats]:
    """Return the step in ms at each instant, and its z; NaN where it cannot be judged."""
    before, variance_before = _windows(replies, at_s - settings.guard_s - replies.window_s)
    after, variance_after = _windows(replies, at_s + settings.guard_s)
    spread = np.sqrt(variance_before + variance_after + settings.resolution_ms**2)
    step_ms = after - before
    return step_ms, step_ms / spread * math.sqrt(settings.independent_samples_count)


def _find_rhythm(replies: _Replies, settings: SlotSettings) -> _Rhythm | None:
    grid_s = settings.grid_s
    place = _places(replies, settings)
    step_z = np.abs(_steps(replies, place.astype(np.float64) * grid_s, settings)[1])
    judged = place[np.isfinite(step_z)]
    changes = place[_peaks(step_z, round(replies.window_s / grid_s), settings.step_z)]
    if not len(changes):
        return None
    # Places count from the Unix epoch, so that a phase means the same in every trace.
    epoch = round(replies.origin_s / grid_s)
    shortest, longest = round(settings.shortest_slot_s / grid_s), round(settings.longest_slot_s / grid_s)
    lengths = range(shortest, min(longest, len(judged) // 3) + 1)
    folds = [_fold(judged + epoch, changes + epoch, length, settings) for length in lengths]
    if not folds:
        return None
    trials = sum(lengths)
    needed = settings.overdispersion * math.log(trials / settings.chance)
    evidence, length, phase, lift = max(folds)
    return _Rhythm(length * grid_s, phase * grid_s, evidence, needed, lift)


def _places(replies: _Replies, settings: SlotSettings) -> Ints:
    """Return the grid's places that may have replies in the window before: a stray stamp years away adds a few.

    What comes after a hole stands at least a window behind what comes before it, in places too, so that peaks on its two
    sides do not see each other.
    """
    reach = math.ceil((replies.window_s + settings.guard_s) / settings.grid_s) + 1
    answered = np.unique(np.floor(replies.at_s / settings.grid_s).astype(np.int64))
    return np.unique(answered[:, None] + np.arange(reach + 1))


def _peaks(step_z: Floats, reach: int, least: float) -> Ints:
    """Return where z is the first highest within `reach` on either side, and no less than `least`."""
    z = np.where(np.isfinite(step_z), step_z, 0.0)
    padded = np.pad(z, reach, constant_values=0.0)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)
    first_highest = around.argmax(axis=1) == reach
    return np.flatnonzero(first_highest & (z >= least)).astype(np.int64)


def _fold(judged: Ints, changes: Ints, length: int, settings: SlotSettings) -> tuple[float, int, int, float]:
    """Return (evidence, length, phase, lift) of the phase at which changes gather most.

    The evidence is n * KL(share of changes near the phase || share of judged instants near it): minus the logarithm of
    the Chernoff bound on finding so many by chance. Half the length or twice it scores lower than the length itself: half
    doubles the share expected, twice halves the share found. So the largest is the fundamental.
    """
    near = round(settings.tolerance_s / settings.grid_s)
    hits = _near(np.bincount(changes % length, minlength=length), near)
    expected = _near(np.bincount(judged % length, minlength=length), near) / len(judged)
    share = hits / len(changes)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(hits > 0, share * np.log(share / expected), 0.0)
        loss = np.where(share < 1, (1 - share) * np.log((1 - share) / (1 - expected)), 0.0)
        lift = (share / expected) / ((1 - share) / (1 - expected))
    evidence = np.where((share > expected) & (expected > 0), (gain + loss) * len(changes), 0.0)
    phase = int(evidence.argmax())
    return float(evidence[phase]), length, phase, float(lift[phase])


def _near(counts: Ints, reach: int) -> Ints:
    return np.asarray(sum(np.roll(counts, shift) for shift in range(-reach, reach + 1)))


def _boundaries_s(replies: _Replies, rhythm: _Rhythm) -> Floats:
    start_s = (rhythm.phase_s - replies.origin_s) % rhythm.length_s
    slot = np.unique(np.floor((replies.at_s - start_s) / rhythm.length_s))
    edges_s = start_s + np.union1d(slot, slot + 1) * rhythm.length_s
    return np.asarray(edges_s[(edges_s >= replies.at_s[0]) & (edges_s < replies.at_s[-1])])


def _refine(replies: _Replies, rhythm: _Rhythm, settings: SlotSettings) -> _Rhythm:
    """Move the phase to where the replies around all fired boundaries together split best into before and after."""
    edges_s = _boundaries_s(replies, rhythm)
    step_ms, step_z = _steps(replies, edges_s, settings)
    fired = np.abs(step_z) >= settings.step_z
    if not fired.any():
        return rhythm
    before_ms, _ = _windows(replies, edges_s[fired] - settings.guard_s - replies.window_s)
    offset_s, level = _levels(replies, edges_s[fired], before_ms, step_ms[fired])
    order = np.argsort(offset_s)
    level = level[order]
    # Level 0 is the RTT before, 1 the RTT after. A split costs the misfit to 0 on its left and to 1 on its right.
    cost = np.concatenate(([0.0], np.cumsum(np.abs(level) - np.abs(level - 1))))
    split = int(cost.argmin())
    by_s = float(offset_s[order][max(split - 1, 0) : split + 1].mean())
    return replace(rhythm, phase_s=_snapped((rhythm.phase_s + by_s) % rhythm.length_s, replies, settings))


def _snapped(phase_s: float, replies: _Replies, settings: SlotSettings) -> float:
    """Round a phase to the scheduler's grid where the probes cannot tell the two apart, and to 0.1 s elsewhere."""
    blur_s = min(max(replies.cadence_s / 2, settings.least_blur_s), settings.grid_s / 2)
    whole_s = round(phase_s / settings.grid_s) * settings.grid_s
    return whole_s if abs(phase_s - whole_s) <= blur_s else round(phase_s, 1)


def _levels(replies: _Replies, edges_s: Floats, before_ms: Floats, step_ms: Floats) -> tuple[Floats, Floats]:
    reach_s = replies.window_s / 2
    nearest = np.clip(np.searchsorted(edges_s, replies.at_s + reach_s) - 1, 0, len(edges_s) - 1)
    offset_s = replies.at_s - edges_s[nearest]
    close = np.abs(offset_s) <= reach_s
    nearest = nearest[close]
    level = (replies.rtt_ms[close] - before_ms[nearest]) / step_ms[nearest]
    return offset_s[close], np.clip(level, 0.0, 1.0)


def _judge(replies: _Replies, rhythm: _Rhythm, settings: SlotSettings) -> SlotEdges:
    edges_s = _boundaries_s(replies, rhythm)
    step_ms, step_z = _steps(replies, edges_s, settings)
    fired = np.abs(step_z) >= settings.step_z
    mid_z = np.abs(_steps(replies, _mid_slot_s(edges_s, rhythm, replies.window_s + settings.guard_s), settings)[1])
    judged_count, mid_judged_count = int(np.isfinite(step_z).sum()), int(np.isfinite(mid_z).sum())
    fired_count, mid_fired_count = int(fired.sum()), int((mid_z >= settings.step_z).sum())
    recall = fired_count / judged_count if judged_count else None
    estimate = SlotEstimate(
        slot_length_s=rhythm.length_s,
        slot_phase_s=rhythm.phase_s % rhythm.length_s,
        boundary_to_mid_slot_ratio=recall * mid_judged_count / mid_fired_count if recall and mid_fired_count else None,
        boundary_recall_ratio=recall,
        boundary_count=len(edges_s),
        boundary_judged_count=judged_count,
        boundary_fired_count=fired_count,
        mid_slot_judged_count=mid_judged_count,
        mid_slot_fired_count=mid_fired_count,
        evidence=rhythm.evidence,
        evidence_needed=rhythm.needed,
    )
    at_ns = replies.origin_s * _NS_PER_S + np.rint(edges_s[fired] * 1e3).astype(np.int64) * 1_000_000
    return SlotEdges(estimate=estimate, fired_at_ns=at_ns, step_ms=step_ms[fired], step_z=step_z[fired])


def _mid_slot_s(edges_s: Floats, rhythm: _Rhythm, clear_s: float) -> Floats:
    """Return instants a second apart, about the middle of each slot, whose windows cross no boundary."""
    room_s = rhythm.length_s / 2 - clear_s
    offset_s = rhythm.length_s / 2 + np.arange(-math.floor(room_s), math.floor(room_s) + 1)
    return np.asarray((edges_s[:, None] + offset_s).ravel())
