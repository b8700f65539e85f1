"""What waits in the daybook comes to the ledger whole, whenever it is posted."""

import numpy as np
import pytest
from msgspec.structs import replace

from ingest.contract.columns import take
from streams import ledger as ledgers
from streams.daybook import POST_FRAMES, POST_ROWS, Daybook, post
from streams.rollup_lines import SUMS, WINDOW_NS


def samples(count):
    """Return samples of two windows and two groups, some without a round trip."""
    rng = np.random.default_rng(1)
    return {
        "at_ns": np.sort(rng.integers(0, 2 * WINDOW_NS, count)), "group": rng.integers(0, 2, count),
        "rtt_ms": np.where(rng.random(count) < 0.2, np.nan, rng.integers(10, 90, count)).astype(np.float32),
        "drop": rng.integers(0, 3, count).astype(np.float32) / 2,
        "down": rng.integers(0, 1_000, count), "up": rng.integers(0, 100, count),
    }  # fmt: skip


def handovers(count):
    return take({name: values for name, values in samples(count).items() if name in ("at_ns", "group")}, slice(None))


def opened():
    """Return a ledger with two groups whose windows are open."""
    ledger, _ = ledgers.group(ledgers.new_ledger(), np.array([7, 9]))
    return replace(ledger, opened_ns=np.zeros(1, np.int64), closed_ns=np.zeros(1, np.int64))


def lines(ledger):
    """Return the sums of each window, and its round trips' bounds."""
    order = np.argsort(ledger.windows_ns)
    return [values[order].tolist() for values in (ledger.windows_ns, ledger.sums, ledger.least_ms, ledger.most_ms)]


def total(ledger, name):
    return int(ledger.sums[..., SUMS.index(name)].sum())


@pytest.mark.parametrize("pieces", [1, 3, 50])
def test_posting_together_or_one_by_one_comes_to_the_same(pieces):
    parts = [take(samples(50), rows) for rows in np.array_split(np.arange(50), pieces)]
    moves = [take(handovers(50), rows) for rows in np.array_split(np.arange(50), pieces)]
    together = post(Daybook(tuple(parts), tuple(moves)), opened())
    one_by_one = opened()
    for part, move in zip(parts, moves, strict=True):
        one_by_one = post(Daybook((part,), (move,)), one_by_one)

    assert lines(together) == lines(one_by_one) == lines(post(Daybook((samples(50),), (handovers(50),)), opened()))
    assert (total(together, "samples_count"), total(together, "handovers_count")) == (50, 50)
    assert total(together, "downlink_bytes") == samples(50)["down"].sum()


def test_a_sample_too_late_for_its_window_is_lost_and_a_handover_goes_without_a_word():
    rows, ledger = samples(50), replace(opened(), opened_ns=np.array([WINDOW_NS]))
    late_count = int((rows["at_ns"] < WINDOW_NS).sum())
    posted = post(Daybook((rows,), (handovers(50),)), ledger)

    assert 0 < late_count < 50
    assert posted.lost_count.tolist() == [late_count]
    assert (total(posted, "samples_count"), total(posted, "handovers_count")) == (50 - late_count, 50 - late_count)
    assert posted.windows_ns.tolist() == [WINDOW_NS]


def test_it_is_full_after_so_many_rows_or_frames():
    assert not Daybook((samples(POST_ROWS - 1),)).is_full
    assert Daybook((samples(POST_ROWS - 1), samples(1))).is_full
    assert not Daybook((samples(1),) * (POST_FRAMES - 1), (handovers(1),) * (POST_FRAMES - 1)).is_full
    assert Daybook((samples(1),) * POST_FRAMES).is_full
    assert Daybook((), (handovers(1),) * POST_FRAMES).is_full
