"""A run whose door stops for a while, and what must be found at the other end of any road."""

import numpy as np

S = 1_000_000_000
START_NS = 1_759_449_600 * S
FROM_S, UNTIL_S, OVER_S = 20, 32, 60
SCENARIO = f'name = "stopped"\n[[fault]]\nkind = "door_stopped"\nstart_s = {FROM_S}\nduration_s = {UNTIL_S - FROM_S}\n'
TERMINALS = 30
RUN = [
    "--terminals", str(TERMINALS), "--minutes", str(OVER_S / 60), "--speed", "0", "--start", "2025-10-03T00:00:00Z",
]  # fmt: skip


def check(rows):
    """Hold the terminals' samples against the stop.

    Args:
        rows: `terminal_index`, `observed_at_ns`, `received_at_ns` and `stored` of every sample that came through.
    """
    rows = rows | {"stored": rows["stored"].astype(bool)}
    observed_s, received_s = ((rows[name] - START_NS) // S for name in ("observed_at_ns", "received_at_ns"))
    # The door has a second's samples as the next one begins.
    assert set(range(1, OVER_S + 1)) - set(received_s.tolist()) == set(range(FROM_S + 1, UNTIL_S + 1))

    missed = (observed_s >= FROM_S) & (observed_s < UNTIL_S)
    assert rows["stored"][missed].all()
    assert received_s[missed].min() > UNTIL_S
    told = np.bincount(rows["terminal_index"][missed], minlength=TERMINALS)
    steady = np.bincount(rows["terminal_index"][~rows["stored"]], minlength=TERMINALS) == OVER_S - (UNTIL_S - FROM_S)
    assert steady.sum() > TERMINALS / 2
    assert (told[steady] == UNTIL_S - FROM_S).all()
    for who in np.flatnonzero(steady):
        assert np.bincount(observed_s[rows["terminal_index"] == who]).tolist() == [1] * OVER_S
