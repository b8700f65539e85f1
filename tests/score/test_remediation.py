"""Who put a fault right: the truth's share against the inferred one."""

import msgspec
import pytest

from leowatch.score.judge import judge
from streams.contract.vocabulary import Remediation


def mended(run, *, truly, as_said):
    """Say of the first terminals without power who mended them; of the last `truly` it was nobody."""
    cut = [x for x in run.labels if x.kind == "terminal_power_lost"]
    for number, found in enumerate(cut):
        auto = number < truly
        run.labels[run.labels.index(found)] = msgspec.structs.replace(found, remediation="auto" if auto else "manual")
    for number, told in enumerate([x for x in run.incidents if x.cause == "outage_started"]):
        said = Remediation.AUTO if number < as_said else Remediation.MANUAL
        run.incidents[run.incidents.index(told)] = msgspec.structs.replace(told, remediation=said)
    run.labels = [x for x in run.labels if x.kind == "terminal_power_lost"]
    run.incidents = [x for x in run.incidents if x.cause == "outage_started"]
    return judge(*run.write()).remediation


@pytest.mark.parametrize(("truly", "as_said", "points"), [(16, 16, 0.0), (16, 19, 15.0), (20, 10, 50.0)])
def test_the_inferred_share_is_held_against_the_true_one_in_points(run, truly, as_said, points):
    score = mended(run, truly=truly, as_said=as_said)

    assert (score.automatic_truly.right_count, score.automatic_as_said.right_count) == (truly, as_said)
    assert score.automatic_truly.of_count == 20
    assert score.error_points == points


def test_who_mended_what_still_stands_is_not_asked(run):
    run.labels = [msgspec.structs.replace(x, ended_at=None) for x in run.labels]

    assert judge(*run.write()).remediation.error_points is None


@pytest.mark.parametrize(
    ("records", "still"), [("labels", {"decoy": True}), ("incidents", {"resolved_at": None, "state": "open"})]
)
def test_decoys_and_incidents_that_stand_are_not_asked(run, records, still):
    setattr(run, records, [msgspec.structs.replace(each, **still) for each in getattr(run, records)])

    assert judge(*run.write()).remediation.error_points is None


def test_the_confusion_names_the_truth_first(run):
    assert mended(run, truly=5, as_said=7).confusion == {"auto": {"auto": 5}, "manual": {"auto": 2, "manual": 13}}
