"""Slots from RTT alone, on made traces whose slots are known or absent."""

import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.slot_edges import SlotEstimate, SlotSettings, _peaks, _replies, _steps, find_slot_edges

START_S = 1_700_000_000
NS_PER_S = 1_000_000_000


def made_trace(slot_length_s, slot_phase_s, *, rate_hz=5, hours=1, moved_ratio=0.5, loss_ratio=0.01, seed=0):
    """Probes whose RTT steps by 2 to 25 ms at half of the boundaries, under skewed noise (domain 5a)."""
    rng = np.random.default_rng(seed)
    count = int(hours * 3600 * rate_hz)
    sent_s = np.arange(count) / rate_hz + rng.uniform(0, 0.02, count)
    # A probe under way at a boundary, some 60 ms long, returns by the new path.
    slot = ((START_S - slot_phase_s) % slot_length_s + sent_s + 0.03) // slot_length_s
    step_ms = rng.uniform(2, 25, int(slot[-1]) + 1) * (rng.random(int(slot[-1]) + 1) < moved_ratio)
    level_ms = [60.0]
    for step in step_ms[1:]:
        level_ms.append(level_ms[-1] + (step if level_ms[-1] < 60 else -step))
    rtt_ms = np.array(level_ms)[slot.astype(int)] + rng.gamma(1.5, 3, count)
    rtt_ms[rng.random(count) < loss_ratio] = np.nan
    return (START_S * NS_PER_S + np.rint(sent_s * 1e9)).astype(np.int64), rtt_ms


def off_by_s(found_s, true_s, slot_length_s):
    return abs((found_s - true_s + slot_length_s / 2) % slot_length_s - slot_length_s / 2)


@pytest.mark.parametrize("rate_hz", [1, 5])
@pytest.mark.parametrize(
    ("slot_length_s", "slot_phase_s"), [(7.5, 3.0), (10, 9.9), (15, 12), (20, 0), (30, 7.3), (45, 20)]
)
def test_length_and_phase_are_found_without_knowing_either(slot_length_s, slot_phase_s, rate_hz):
    estimate = find_slot_edges(*made_trace(slot_length_s, slot_phase_s, rate_hz=rate_hz, hours=2)).estimate
    assert estimate.slot_length_s == slot_length_s
    assert off_by_s(estimate.slot_phase_s, slot_phase_s, slot_length_s) <= (0.15 if rate_hz == 5 else 0.6)


@pytest.mark.parametrize("seed", range(8))
def test_random_walks_have_no_slots(seed):
    rng = np.random.default_rng(seed)
    for rate_hz, step_ms, noise_ms in ((1, 1, 0), (5, 1, 0), (5, 0.1, 3), (5, 20, 0)):
        sent_at_ns, rtt_ms = made_trace(15, 0, rate_hz=rate_hz, seed=seed)
        walk_ms = 100 + np.abs(np.cumsum(rng.normal(0, step_ms, len(rtt_ms)))) + rng.normal(0, noise_ms, len(rtt_ms))
        assert find_slot_edges(sent_at_ns, walk_ms).estimate.slot_length_s is None


@pytest.mark.parametrize("seed", range(8))
def test_shuffled_rtts_have_no_slots(seed):
    sent_at_ns, rtt_ms = made_trace(15, 12, seed=seed)
    shuffled = np.random.default_rng(seed).permutation(rtt_ms)
    assert find_slot_edges(sent_at_ns, shuffled).estimate.slot_length_s is None


@pytest.mark.parametrize("seed", range(8))
def test_steps_at_irregular_times_are_no_slots(seed):
    rng = np.random.default_rng(seed)
    sent_at_ns, _ = made_trace(15, 12, seed=seed)
    level_ms = np.repeat(rng.uniform(40, 80, len(sent_at_ns)), rng.integers(50, 100, len(sent_at_ns)))[
        : len(sent_at_ns)
    ]
    edges = find_slot_edges(sent_at_ns, level_ms + rng.normal(0, 1, len(level_ms)))
    assert edges.estimate.slot_length_s is None
    assert len(edges.fired_at_ns) == 0


def test_a_mere_tendency_towards_a_rhythm_is_no_slot():
    rng = np.random.default_rng(2)
    sent_at_ns, _ = made_trace(15, 12, hours=4)
    change_s = np.cumsum(rng.uniform(8, 16, 1500))
    snapped_s = np.where(rng.random(1500) < 0.15, np.rint(change_s / 15) * 15, change_s)
    level_ms = rng.uniform(40, 80, 1501)[np.searchsorted(np.sort(snapped_s), sent_at_ns / NS_PER_S - START_S)]
    estimate = find_slot_edges(sent_at_ns, level_ms + rng.normal(0, 1, len(level_ms))).estimate
    assert estimate.evidence > estimate.evidence_needed
    assert estimate.slot_length_s is None


def test_a_constant_rtt_says_nothing():
    sent_at_ns, _ = made_trace(15, 12)
    assert find_slot_edges(sent_at_ns, np.full(len(sent_at_ns), 42.0)).estimate == SlotEstimate()


@pytest.mark.parametrize("count", [0, 1, 9, 40])
def test_a_short_trace_says_nothing(count):
    sent_at_ns, rtt_ms = made_trace(15, 12)
    assert find_slot_edges(sent_at_ns[:count], rtt_ms[:count]).estimate.slot_length_s is None


def test_a_trace_of_lost_probes_says_nothing():
    sent_at_ns, rtt_ms = made_trace(15, 12)
    assert find_slot_edges(sent_at_ns, np.full(len(rtt_ms), np.nan)).estimate == SlotEstimate()


def test_probes_sparser_than_one_a_second_are_not_judged():
    sent_at_ns, rtt_ms = made_trace(30, 7, rate_hz=0.5, hours=6, moved_ratio=1)
    assert find_slot_edges(sent_at_ns, rtt_ms).estimate == SlotEstimate()


def test_every_fired_boundary_tells_its_time_and_step():
    sent_at_ns, _ = made_trace(15, 12, moved_ratio=1, loss_ratio=0)
    clean_ms = np.where(sent_at_ns // NS_PER_S % 30 < 12, 60.0, np.where(sent_at_ns // NS_PER_S % 30 < 27, 80.0, 60.0))
    edges = find_slot_edges(sent_at_ns, clean_ms)
    assert set(edges.fired_at_ns // NS_PER_S % 15) == {12}
    assert set(edges.fired_at_ns % NS_PER_S) == {0}
    up = edges.fired_at_ns // NS_PER_S % 30 == 12
    assert edges.step_ms == pytest.approx(np.where(up, 20, -20))
    assert (np.sign(edges.step_z) == np.sign(edges.step_ms)).all()
    assert edges.estimate.boundary_recall_ratio == 1


def test_the_ratio_is_unknown_when_nothing_fires_mid_slot():
    sent_at_ns, _ = made_trace(15, 12)
    clean_ms = np.where(sent_at_ns // NS_PER_S % 30 < 15, 60.0, 80.0)
    estimate = find_slot_edges(sent_at_ns, clean_ms).estimate
    assert estimate.mid_slot_judged_count > 1000
    assert (estimate.mid_slot_fired_count, estimate.boundary_to_mid_slot_ratio) == (0, None)


def test_the_ratio_is_unknown_when_a_slot_has_no_room_for_two_windows():
    estimate = find_slot_edges(*made_trace(5, 1, moved_ratio=0.8)).estimate
    assert estimate.slot_length_s == 5
    assert (estimate.mid_slot_judged_count, estimate.boundary_to_mid_slot_ratio) == (0, None)


def test_the_ratio_compares_rates_and_not_counts():
    sent_at_ns, rtt_ms = made_trace(15, 12, hours=2)
    since_boundary_s = (sent_at_ns / NS_PER_S - 12) % 600
    edges = find_slot_edges(sent_at_ns, rtt_ms + 60 * ((since_boundary_s > 7.5) & (since_boundary_s < 15)))
    e = edges.estimate
    assert e.mid_slot_fired_count
    boundary_rate, mid_slot_rate = (
        e.boundary_fired_count / e.boundary_judged_count,
        e.mid_slot_fired_count / e.mid_slot_judged_count,
    )
    assert e.boundary_to_mid_slot_ratio == pytest.approx(boundary_rate / mid_slot_rate)
    assert len(edges.fired_at_ns) == e.boundary_fired_count


def test_a_boundary_beside_a_hole_is_not_judged():
    sent_at_ns, rtt_ms = made_trace(15, 12, moved_ratio=1, loss_ratio=0)
    whole = find_slot_edges(sent_at_ns, rtt_ms).estimate
    hole = (sent_at_ns // NS_PER_S % 300 >= 12) & (sent_at_ns // NS_PER_S % 300 < 16)
    holed = find_slot_edges(sent_at_ns[~hole], rtt_ms[~hole]).estimate
    assert whole.boundary_judged_count == whole.boundary_count
    assert holed.boundary_count - holed.boundary_judged_count == 12


def test_a_stray_stamp_years_away_changes_nothing_and_claims_no_memory():
    sent_at_ns, rtt_ms = made_trace(15, 12)
    whole = find_slot_edges(sent_at_ns, rtt_ms).estimate
    stray = find_slot_edges(np.append(sent_at_ns, [0, 2 * START_S * NS_PER_S]), np.append(rtt_ms, [50, 50])).estimate
    assert (stray.slot_length_s, stray.slot_phase_s) == (15, 12)
    assert stray.boundary_fired_count == whole.boundary_fired_count
    assert stray.boundary_count <= whole.boundary_count + 4


def test_the_order_of_the_rows_does_not_matter():
    sent_at_ns, rtt_ms = made_trace(15, 12)
    order = np.random.default_rng(1).permutation(len(rtt_ms))
    assert find_slot_edges(sent_at_ns[order], rtt_ms[order]).estimate == find_slot_edges(sent_at_ns, rtt_ms).estimate


@settings(max_examples=15, deadline=None)
@given(shift_ms=st.integers(-(10**9), 10**9))
def test_the_phase_moves_with_the_clock(shift_ms):
    sent_at_ns, rtt_ms = made_trace(15, 12)
    estimate = find_slot_edges(sent_at_ns + shift_ms * 1_000_000, rtt_ms).estimate
    assert estimate.slot_length_s == 15
    assert 0 <= estimate.slot_phase_s < 15
    assert off_by_s(estimate.slot_phase_s, 12 + shift_ms / 1000, 15) <= 0.25


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), rate_hz=st.sampled_from([1, 2, 5, 20]), loss_ratio=st.sampled_from([0, 0.1, 0.6])
)
def test_steps_agree_with_a_reading_one_instant_at_a_time(seed, rate_hz, loss_ratio):
    sent_at_ns, rtt_ms = made_trace(15, 12, rate_hz=rate_hz, hours=0.02, loss_ratio=loss_ratio, seed=seed)
    limits = SlotSettings()
    replies = _replies(sent_at_ns, rtt_ms, limits)
    if replies is None:
        return
    instants_s = np.arange(-1, 75, 3.7)
    step_ms, step_z = _steps(replies, instants_s, limits)
    for instant_s, step, z in zip(instants_s, step_ms, step_z, strict=True):
        assert (step, z) == pytest.approx(slow_step(replies, instant_s, limits), nan_ok=True)


def slow_step(replies, at_s, limits):
    def within(start_s):
        pairs = zip(replies.at_s, replies.rtt_ms, strict=True)
        return [float(rtt) for sent_s, rtt in pairs if start_s <= sent_s < start_s + replies.window_s]

    before, after = within(at_s - limits.guard_s - replies.window_s), within(at_s + limits.guard_s)
    if min(len(before), len(after)) < replies.needed_count:
        return np.nan, np.nan
    spread = (statistics.variance(before) + statistics.variance(after) + limits.resolution_ms**2) ** 0.5
    step = statistics.median(after) - statistics.median(before)
    return step, step / spread * limits.independent_samples_count**0.5


@given(st.lists(st.one_of(st.just(np.nan), st.floats(0, 10)), min_size=1, max_size=60), st.integers(1, 5))
def test_peaks_are_the_first_highest_around_and_keep_their_distance(step_z, reach):
    peaks = _peaks(np.array(step_z), reach, 3.0)
    known = np.nan_to_num(step_z)
    assert all(known[p] >= 3 and known[p] == known[max(p - reach, 0) : p + reach + 1].max() for p in peaks)
    assert (np.diff(peaks) > reach).all()
