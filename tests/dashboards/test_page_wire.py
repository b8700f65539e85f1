"""What a browser is sent."""

import json

import msgspec
import numpy as np
import pytest

from dashboards.page.state import TerminalState
from dashboards.page.wire import OPEN_SHOWN_COUNT, RESOLVED_SHOWN_COUNT, changed, shown, to_json, to_parts
from streams.contract.vocabulary import Audience, IncidentState, Severity
from tests.browser.world import OPENED_S, World, at, gateway_incident, resolved_incident, tilt_incident


@pytest.fixture(scope="module")
def world():
    return World()


def told(state):
    return json.loads(to_json(to_parts(state)))


def test_a_state_that_did_not_change_is_not_sent_again(world):
    assert changed(to_parts(world.state(300)), to_parts(world.state(300))) == {}


def test_only_the_parts_that_changed_are_sent(world):
    parts = changed(to_parts(world.state(300)), to_parts(world.state(301)))
    assert parts.keys() == {"now", "satellites"}


def test_positions_are_rounded_to_a_hundredth_of_a_degree_and_an_unknown_one_is_null(world):
    state = world.state(300)
    north = np.array([12.34567, np.nan], dtype=np.float32)
    terminals = msgspec.structs.replace(state.terminals, latitude_deg=north)
    positions = told(msgspec.structs.replace(state, terminals=terminals))["terminal_positions"]
    assert positions["latitude_deg"] == [12.35, None]


def test_counts_are_of_the_whole_network_by_the_states_word(world):
    counts = {TerminalState.SERVICE: np.int64(1_000_000), TerminalState.OUTAGE: 7}
    now = told(msgspec.structs.replace(world.state(300), counts=counts))["now"]
    assert now["counts"] == {
        "service": 1_000_000,
        "expected_gap": 0,
        "suspected": 0,
        "outage": 7,
        "tilted": 0,
        "blind": 0,
    }


def test_numbers_straight_out_of_arrays_can_be_sent(world):
    state = msgspec.structs.replace(world.state(300), samples_per_s=np.float32(5.25), watermark_age_s=np.float64(31.04))
    now = told(state)["now"]
    assert (now["samples_per_s"], now["watermark_age_s"]) == (5.2, 31.0)


def test_an_incident_says_whom_it_wakes_and_its_kind_in_words(world):
    card = told(world.state(OPENED_S))["incidents"][0]
    assert (card["root_kind"], card["team"], card["pages"]) == ("gateway", "noc", True)


def test_what_pages_comes_before_what_is_worse_and_does_not():
    pages = msgspec.structs.replace(gateway_incident(), severity=Severity.WARNING)
    worse = msgspec.structs.replace(tilt_incident("ut-000001"), severity=Severity.CRITICAL, terminals_down_count=500)
    assert shown([worse, pages]) == [pages, worse]


def test_an_incident_that_may_still_page_says_so():
    held = msgspec.structs.replace(gateway_incident(), page_at=None)
    world = World()
    state = msgspec.structs.replace(world.state(300), incidents=(held,))
    card = told(state)["incidents"][0]
    assert (card["pages"], card["may_page"]) == (False, True)


def test_resolved_incidents_follow_the_open_ones_newest_first():
    older, newer = (
        msgspec.structs.replace(resolved_incident("ut-000001"), resolved_at=at(end_s)) for end_s in (55, 90)
    )
    assert shown([older, newer, gateway_incident()])[1:] == [newer, older]


def test_ten_thousand_incidents_send_the_most_urgent_and_the_last_resolved(world):
    standing = [
        msgspec.structs.replace(tilt_incident("ut-000001"), incident_id=f"inc-{number}", terminals_down_count=number)
        for number in range(5000)
    ]
    over = [msgspec.structs.replace(one, state=IncidentState.RESOLVED, resolved_at=at(9)) for one in standing]
    sent = shown(over + standing)
    assert len(sent) == OPEN_SHOWN_COUNT + RESOLVED_SHOWN_COUNT
    assert sent[0].terminals_down_count == 4999
    now = told(msgspec.structs.replace(world.state(300), incidents=(*over, *standing)))["now"]
    assert (now["open_incidents_count"], now["resolved_incidents_count"]) == (5000, 5000)


def test_a_replayed_incident_never_reads_as_a_page():
    stored = msgspec.structs.replace(gateway_incident(), stored=True)
    assert stored.audience is Audience.NOC_PAGE
    state = msgspec.structs.replace(World().state(300), incidents=(stored,))
    card = told(state)["incidents"][0]
    assert (card["pages"], card["may_page"]) == (False, False)
