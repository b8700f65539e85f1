import pytest

from exporters.pages import Pager
from streams.contract.vocabulary import Audience, IncidentState
from tests.exporters.findings import an_incident

LATER = "2025-10-03T12:05:00Z"


def heard(*incidents):
    pager = Pager()
    return [page for incident in incidents for page in pager.hear(incident)]


def test_an_incident_wakes_its_team_once_at_the_first_revision_that_pages():
    waiting = an_incident(page_at=None)
    due = an_incident(revision=2, changed_at=LATER, page_at=LATER)
    pages = heard(waiting, due, an_incident(revision=3), due)
    assert [(page.team, page.at, page.resolved) for page in pages] == [("noc", LATER, False)]


def test_a_word_follows_when_the_fault_is_gone_and_none_before():
    resolved = {"state": IncidentState.RESOLVED, "changed_at": LATER, "resolved_at": LATER}
    pages = heard(
        an_incident(),
        an_incident(revision=2, state=IncidentState.ACKNOWLEDGED),
        an_incident(revision=3, **resolved),
        an_incident(revision=4, **resolved),
    )
    assert [(page.resolved, page.at) for page in pages] == [(False, "2025-10-03T12:00:00Z"), (True, LATER)]


def test_an_incident_that_was_put_right_in_time_wakes_nobody_and_no_word_follows():
    resolved = an_incident(revision=2, state=IncidentState.RESOLVED, page_at=None, resolved_at=LATER)
    assert heard(an_incident(page_at=None), resolved) == []


@pytest.mark.parametrize(
    "quiet",
    [{"stored": True}, {"audience": Audience.TENANT}, {"audience": Audience.TICKET}, {"audience": Audience.NOBODY}],
)
def test_what_is_for_nobodys_telephone_wakes_nobody(quiet):
    assert heard(an_incident(**quiet)) == []


def test_the_first_revision_after_its_resolution_does_not_wake_anybody_again():
    resolved = an_incident(revision=2, state=IncidentState.RESOLVED, resolved_at=LATER)
    assert len(heard(an_incident(), resolved, an_incident())) == 2
