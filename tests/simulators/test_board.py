"""Faults written into conditions: alone, together, by degrees, and gone again."""

import numpy as np
import pytest

from simulators.board import Board
from simulators.conditions import no_trouble
from simulators.contract.faults import FaultKind
from simulators.effects import EFFECTS, Dose
from simulators.faults import Change, Fault
from simulators.fleet import build_fleet
from simulators.scenario import FaultSpec
from simulators.scheduler import Rules, Slots
from simulators.settings import Settings


@pytest.fixture(scope="module")
def fleet():
    return build_fleet(Settings(terminals=20), np.random.default_rng(1), Rules(), Slots())


@pytest.fixture
def conditions(fleet):
    return no_trouble(fleet)


def fault(kind, number=0, *, at=3, magnitude=10.0, bearing_deg=100.0):
    places = {write.place for write in EFFECTS[kind].writes}
    reach = {place: np.array([0 if place in {"control", "door", "attachments"} else at]) for place in places}
    return Fault(
        number=number, label_id=f"{kind}-{number}", kind=kind, root_index=at, root_id="x", started_at_ns=5,
        ended_at_ns=None, spec=FaultSpec(kind=kind, start_s=0),
        dose=Dose(magnitude=magnitude, bearing_deg=bearing_deg, started_at_ns=5, length_s=60.0),
        reach=reach, members=np.array([at]),
    )  # fmt: skip


def change(one, level, *, begins=False):
    return Change(at_ns=5, fault=one, level=level, begins=begins)


def everything(record):
    """Return all values of all conditions, by name."""
    if isinstance(record, np.ndarray):
        return record.tolist()
    if not hasattr(record, "__struct_fields__"):
        return record
    return {name: everything(getattr(record, name)) for name in record.__struct_fields__}


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_fault_changes_something_and_leaves_it_as_it_was(kind, conditions):
    board, one = Board(conditions), fault(kind)
    before = everything(conditions)
    board.apply(change(one, 1.0, begins=True))
    assert everything(conditions) != before
    board.apply(change(one, 0.0))
    stays = {FaultKind.ADDRESS_CHANGED, FaultKind.FIRMWARE_REBOOT, FaultKind.SATELLITE_MANOEUVRE}
    assert (everything(conditions) != before) == (kind in stays)


def test_two_that_add_up_do_so_and_either_may_end_first(conditions):
    board = Board(conditions)
    rain = conditions.network.gateways.rain_rate_mmph
    first, second = (fault(FaultKind.GATEWAY_STORM, number, magnitude=40.0) for number in (0, 1))
    board.apply(change(first, 1.0, begins=True))
    board.apply(change(second, 0.5, begins=True))
    assert rain[3] == 60
    board.apply(change(first, 0.0))
    assert rain[3] == 20
    board.apply(change(second, 0.0))
    assert not rain.any()


def test_what_two_hold_down_stays_down_until_both_are_over(conditions):
    board = Board(conditions)
    down, cut = fault(FaultKind.GATEWAY_DOWN, 0), fault(FaultKind.GATEWAY_MAINTENANCE, 1)
    board.apply(change(down, 1.0, begins=True))
    board.apply(change(cut, 1.0, begins=True))
    board.apply(change(down, 0.0))
    assert not conditions.network.gateways.up[3]
    board.apply(change(cut, 0.0))
    assert conditions.network.gateways.up.all()


def test_a_mount_that_sags_turns_by_degrees_in_one_direction(conditions):
    board, sagging = Board(conditions), fault(FaultKind.ANTENNA_SAGGING, magnitude=20.0)
    terminals = conditions.terminals
    aligned_deg = terminals.tilt_deg[3]
    board.apply(change(sagging, 0.5, begins=True))
    assert terminals.tilt_deg[3] == pytest.approx(aligned_deg + (20.0 - aligned_deg) / 2)
    assert terminals.azimuth_deg[3] == 100.0
    board.apply(change(sagging, 1.0))
    assert terminals.tilt_deg[3] == 20.0


def test_one_of_four_lasers_is_lost(conditions):
    Board(conditions).apply(change(fault(FaultKind.LASER_DOWN, bearing_deg=200.0), 1.0, begins=True))
    assert conditions.network.satellites.laser_works[3].tolist() == [True, True, False, True]


def test_a_reboot_counts_once_however_often_the_fault_changes(conditions):
    board, reboot = Board(conditions), fault(FaultKind.FIRMWARE_REBOOT)
    for level, begins in ((0.5, True), (1.0, False), (0.0, False)):
        board.apply(change(reboot, level, begins=begins))
    assert conditions.terminals.boot_count[3] == 1
