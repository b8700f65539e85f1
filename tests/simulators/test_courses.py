"""How a fault stands over time."""

from simulators.courses import Course

S = 1_000_000_000
RUN_END = 1_000 * S


def levels(course, start_s, end_s):
    found = course.levels(start_s * S, None if end_s is None else end_s * S, RUN_END)
    return [(at_ns / S, round(level, 3)) for at_ns, level in found]


def test_a_fault_comes_and_goes_at_once():
    assert levels(Course(), 10, 50) == [(10, 1), (50, 0)]


def test_one_that_outlasts_the_run_never_ends():
    assert levels(Course(), 10, None) == [(10, 1)]


def test_it_grows_by_steps_until_it_is_whole():
    assert levels(Course(onset_s=20), 10, 50) == [(10, 0.2), (15, 0.4), (20, 0.6), (25, 0.8), (30, 1), (50, 0)]


def test_it_fades_over_its_last_seconds():
    assert levels(Course(recovery_s=15), 10, 50) == [(10, 1), (35, 0.75), (40, 0.5), (45, 0.25), (50, 0)]


def test_a_fade_that_begins_before_it_is_whole_starts_from_where_it_is():
    found = levels(Course(onset_s=60, recovery_s=20), 0, 60)
    assert max(level for _, level in found) < 1
    assert [at for at, _ in found] == sorted({at for at, _ in found})


def test_it_flaps_and_ends_low():
    assert levels(Course(period_s=20), 10, 55) == [(10, 1), (20, 0), (30, 1), (40, 0), (50, 1), (55, 0)]


def test_a_slope_of_hours_has_few_steps():
    assert len(levels(Course(onset_s=900), 0, None)) <= 121
