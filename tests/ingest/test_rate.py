"""A tenant's allowance, by a clock that is passed in."""

from ingest.contract.instants import NS_PER_S
from ingest.rate import Allowance

NOW_NS = 1_759_449_600 * NS_PER_S


def test_a_tenant_in_debt_waits_as_long_as_it_takes_to_pay():
    allowance = Allowance(samples_per_s=10, burst_samples=20)
    allowance.charge("a", 50, NOW_NS)

    assert allowance.wait_s("a", NOW_NS) == 3
    assert allowance.wait_s("a", NOW_NS + 2 * NS_PER_S) == 1
    assert allowance.wait_s("a", NOW_NS + 3 * NS_PER_S) == 0


def test_one_tenants_debt_is_not_anothers():
    allowance = Allowance(samples_per_s=10, burst_samples=20)
    allowance.charge("a", 50, NOW_NS)

    assert allowance.wait_s("b", NOW_NS) == 0


def test_a_pause_fills_the_bucket_no_further_than_its_brim():
    allowance = Allowance(samples_per_s=10, burst_samples=20)
    allowance.wait_s("a", NOW_NS)
    allowance.charge("a", 30, NOW_NS + 3600 * NS_PER_S)

    assert allowance.wait_s("a", NOW_NS + 3600 * NS_PER_S) == 1


def test_a_clock_that_goes_back_gives_nothing_away():
    allowance = Allowance(samples_per_s=10, burst_samples=20)
    allowance.charge("a", 50, NOW_NS)
    allowance.wait_s("a", NOW_NS - 60 * NS_PER_S)

    assert allowance.wait_s("a", NOW_NS) == 3
