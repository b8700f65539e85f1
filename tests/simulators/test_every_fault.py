"""A minute in which everything goes wrong: every kind is played, labelled and told in the contract's columns."""

import pytest

from ingest.contract.instants import from_rfc3339
from ingest.contract.vocabulary import EncryptionState, LaserState, MitigationState, SatelliteLifecycle
from simulators.contract.faults import FAULT_BY_KIND, FAULTS, FaultKind
from simulators.run import Settings
from tests.simulators.lived import live_through

S = 1_000_000_000


@pytest.fixture(scope="module")
def dreadful(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dreadful")
    fault = '[[fault]]\nkind = "{}"\nstart_s = {}\nduration_s = 20\nonset_s = 4\nrecovery_s = 2\n'
    # A stopped door hides the others: it comes last.
    begin_s = {entry.kind: 2 + place % 20 for place, entry in enumerate(FAULTS)} | {FaultKind.DOOR_STOPPED: 39}
    text = "".join(fault.format(kind, at_s) for kind, at_s in begin_s.items())
    (folder / "dreadful.toml").write_text('name = "dreadful"\n' + text)
    settings = Settings(terminals=400, minutes=1, scenario=str(folder / "dreadful.toml"), plan_ahead_s=30)
    return live_through(settings, folder / "truth")


def test_every_kind_is_labelled_with_its_root_its_window_and_its_audience(dreadful):
    labels = dreadful.labels()
    assert set(labels) == set(FaultKind)
    for kind, label in labels.items():
        entry = FAULT_BY_KIND[kind]
        assert label["root_kind"] == entry.root, kind
        assert label["audience"] == entry.audience, kind
        assert label["page"] == entry.audience.endswith("_page"), kind
        assert label["decoy"] == entry.decoy, kind
        assert from_rfc3339(label["ended_at"]) - from_rfc3339(label["started_at"]) == 20 * S, kind


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("terminal_power_lost", "power_lost"), ("customer_power_off", "power_lost"), ("firmware_reboot", "booting"),
        ("terminal_stowed", "stowed"), ("terminal_asleep", "sleeping"), ("satellite_failed", "satellite_down"),
        ("gateway_down", "gateway_down"), ("gateway_flapping", "gateway_down"), ("fibres_cut", "gateway_down"),
        ("gateway_maintenance", "gateway_down"), ("pop_failed", "pop_down"),
    ],
)  # fmt: skip
def test_what_takes_service_is_the_labelled_cause_of_outages_in_its_window(dreadful, kind, cause):
    label, outages = dreadful.labels()[kind], dreadful.truth("outages")
    mine = outages[outages.label_id == label["label_id"]]
    assert cause in set(mine.cause)
    assert set(mine.terminal_id) <= set(label["affected_terminal_ids"])
    first = mine[mine.cause == cause]
    assert (first.started_at_ns >= from_rfc3339(label["started_at"])).all()
    if cause != "booting":
        assert (first.ended_at_ns <= from_rfc3339(label["ended_at"])).all()


@pytest.mark.parametrize(
    ("kind", "frame", "column", "shows"),
    [
        ("gateway_down", "gateway", "antennas_in_service_count", lambda v: v == 0),
        ("gateway_antenna_failed", "gateway", "antennas_in_service_count", lambda v: v < 8),
        ("fibre_a_cut", "gateway", "fibre_a_up", lambda v: v == 0),
        ("fibres_cut", "gateway", "fibre_b_up", lambda v: v == 0),
        ("gateway_storm", "gateway", "rain_rate_mmph", lambda v: v > 40),
        ("macsec_lost", "gateway", "macsec_state", lambda v: v == EncryptionState.NOT_ENCRYPTED),
        ("pop_failed", "pop", "pair_in_service_count", lambda v: v == 0),
        ("ddos_mitigation", "pop", "mitigation_state", lambda v: v == MitigationState.SCRUBBING),
        ("route_anomaly", "pop_egress", "invalid_routes_count", lambda v: v > 0),
        ("egress_congested", "pop_egress", "loss_ratio", lambda v: v > 0.02),
        ("attachment_down", "pop_attachment", "attachment_up", lambda v: v == 0),
        ("attachment_bgp_down", "pop_attachment", "bgp_up", lambda v: v == 0),
        ("satellite_failed", "satellite", "lifecycle", lambda v: v == SatelliteLifecycle.FAILED),
        ("satellite_manoeuvre", "satellite", "thrusting", lambda v: v == 1),
        ("laser_down", "laser", "laser_state", lambda v: v != LaserState.UP),
    ],
)
def test_what_breaks_in_the_network_shows_in_its_own_frames_while_it_stands(dreadful, kind, frame, column, shows):
    fault = next(one for one in dreadful.sky.faults if one.kind == kind)
    rows, root = dreadful.rows(frame), f"{FAULT_BY_KIND[kind].root}_index"
    mine, at_s = rows[root] == fault.root_index, (rows["observed_at_ns"] - fault.started_at_ns) / S
    broken = shows(rows[column])
    assert broken[mine & (at_s >= 4) & (at_s < 17)].any()
    assert not broken[mine & (at_s < 0)].any()
    if kind != "laser_down":  # a laser takes up to a minute to find its peer again
        assert not broken[mine & (at_s > 21)].any()


@pytest.mark.parametrize("kind", ["fibre_a_cut", "gateway_antenna_failed", "ethernet_slow", "terminal_silent"])
def test_what_takes_no_service_has_no_outage(dreadful, kind):
    label, outages = dreadful.labels()[kind], dreadful.truth("outages")
    assert label["label_id"] not in set(outages.label_id)


def test_a_silent_terminal_serves_on_and_tells_afterwards_what_it_kept(dreadful):
    label = dreadful.labels()["terminal_silent"]
    who, since = dreadful.index_of(label["root_id"]), from_rfc3339(label["started_at"])
    live, stored = (dreadful.rows("terminal", stored=kept) for kept in (False, True))

    def told(rows):
        at_ns = rows["observed_at_ns"][rows["terminal_index"] == who]
        return ((at_ns >= since + S) & (at_ns < since + 19 * S)).sum()

    assert told(live) == 0
    assert told(stored) == 18


def test_each_flap_of_a_gateway_is_an_outage_of_its_own(tmp_path):
    path = tmp_path / "flap.toml"
    path.write_text(
        'name = "flap"\n[[fault]]\nkind = "gateway_flapping"\nstart_s = 2\nduration_s = 24\nperiod_s = 10\n'
    )
    lived = live_through(
        Settings(terminals=60, minutes=0.5, scenario=str(path), plan_ahead_s=30, edge_ratio=0), tmp_path / "truth"
    )
    outages = lived.truth("outages")
    down = outages[outages.cause == "gateway_down"]
    starts = {(at - lived.sky.settings.first_at_ns) / S for at in down.started_at_ns}
    assert starts == {2.0, 12.0, 22.0}
