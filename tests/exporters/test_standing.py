"""What stands, whatever the order in which it was said."""

import itertools

import pytest

from exporters.standing import Standing

# An outage that was suspected, started and ended, and the next one, which stands.
STORY = [("opens", 100), ("opens", 102), ("closes", 102, 160), ("opens", 200)]


def told(story):
    standing = Standing()
    for what, started_at_ns, *ended in story:
        if what == "opens":
            standing.opens("t-1", started_at_ns, started_at_ns)
        else:
            standing.closes("t-1", started_at_ns, *ended)
    return standing.facts()


@pytest.mark.parametrize("story", itertools.permutations(STORY))
def test_the_same_stands_in_whatever_order_it_is_said(story):
    assert told(story) == {"t-1": 200}


def test_what_is_said_again_after_its_end_does_not_stand():
    assert told([*STORY[:3], *STORY[:2]]) == {}


def test_a_revision_of_what_stands_replaces_what_is_known_of_it():
    standing = Standing()
    standing.opens("t-1", 100, "unexpected")
    standing.opens("t-1", 100, "expected")
    assert standing.facts() == {"t-1": "expected"}


def test_a_withdrawal_without_an_end_closes_what_began_with_it():
    assert told([("opens", 100), ("closes", 100, 100)]) == {}


def test_subjects_do_not_touch_each_other():
    standing = Standing()
    standing.opens("t-1", 100, None)
    standing.closes("t-2", 50, 400)
    assert "t-1" in standing
    assert "t-2" not in standing
