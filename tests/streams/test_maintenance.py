"""Planned work on anything that serves a terminal is planned for the terminal; on anything else it is not."""

import h3
import numpy as np
import pytest

from ingest.contract.control import WORKABLE, MaintenanceWindow
from ingest.contract.vocabulary import SubjectKind
from tests.make import START_NS, S, frame, knowledge, plan_frame, sample, tick
from tests.streams.said import said

CELL = int(h3.latlng_to_cell(47.0, 8.0, 5), 16)
OTHER_CELL = int(h3.latlng_to_cell(-30.0, 20.0, 5), 16)


def window(kind, subject_id, *, start_s=0, end_s=60, version=1, **fields):
    return MaintenanceWindow(
        window_id=f"{kind}-{subject_id}", subject_kind=kind, subject_id=subject_id, start_at_ns=START_NS + start_s * S,
        end_at_ns=START_NS + end_s * S, version=version, by="ann", **fields,
    )  # fmt: skip


def covered(*windows, at_s=10, satellites=(1, 1), gateways=(1, 1), plan=True):
    """Say for terminals 0 and 1, of which only the first's cell is planned (satellite 3, gateway 1, PoP 0)."""
    cells = {0: {"cell_id": CELL}, 1: {"cell_id": OTHER_CELL}}
    known = knowledge(2, terminals=cells, maintenance=windows)
    if plan:
        known.plan.add(*plan_frame(0, {CELL: 3}))
    facts = known.facts(0)
    at_ns = np.full(2, START_NS + at_s * S)
    return known.in_maintenance(facts, np.array(satellites), np.array(gateways), np.arange(2), at_ns, 1).tolist()


@pytest.mark.parametrize(
    ("kind", "subject_id", "expected"),
    [
        (SubjectKind.TERMINAL, "t1", [False, True]),
        (SubjectKind.TENANT, "tenant-0", [True, True]),
        (SubjectKind.CELL, f"{CELL:x}", [True, False]),
        (SubjectKind.SATELLITE, "s1", [False, True]),
        (SubjectKind.SATELLITE, "s3", [True, False]),
        (SubjectKind.GATEWAY, "g2", [False, True]),
        (SubjectKind.GATEWAY, "g1", [True, False]),
        (SubjectKind.POP, "p0", [True, False]),
    ],
)
def test_a_window_covers_whom_its_subject_serves_last_or_is_planned_to_serve(kind, subject_id, expected):
    assert covered(window(kind, subject_id), satellites=(0, 1), gateways=(0, 2)) == expected


def test_every_kind_that_the_contract_lets_in_has_an_answer():
    known = knowledge(1, maintenance=tuple(window(kind, "ab", version=1) for kind in WORKABLE))
    nobody = known.in_maintenance(known.facts(0), *(np.array([0]),) * 3, np.array([START_NS + S]), 1)

    assert nobody.tolist() == [False]


def test_a_window_explains_what_was_seen_from_its_start_on_and_began_before_its_end():
    work = window(SubjectKind.TERMINAL, "t0", start_s=10, end_s=20)

    assert [covered(work, at_s=s)[0] for s in (8, 9, 10, 19, 20)] == [False, True, True, True, False]


def test_a_window_on_a_subject_that_nobody_knows_covers_nobody_not_even_those_without_a_gateway():
    assert covered(window(SubjectKind.GATEWAY, "atlantis"), gateways=(-1, -1), plan=False) == [False, False]


def outages(*windows, **header):
    frames = [frame([sample(s, pop_ping_drop_ratio=float(s >= 5))], s, **header) for s in range(1, 10)]
    found, _, _ = said([*frames, tick(10, **header)], knowledge(1, maintenance=windows))
    return [row["expected"] for row in found.values()]


def test_an_outage_in_a_window_is_expected_once_frames_name_the_window():
    work = window(SubjectKind.SATELLITE, "s1", version=2)

    assert outages(work, maintenance_version=2) == [1]
    assert outages(work, maintenance_version=1) == [0]
