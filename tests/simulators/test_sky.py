"""The sky as a whole: what holds of every run, whatever breaks in it."""

import msgspec
import numpy as np
import pytest

from ingest.contract.columns import MISSING
from ingest.contract.telemetry import LAYOUTS
from ingest.contract.vocabulary import STATES_WITHOUT_TRAFFIC, LaserState, TerminalState
from simulators.attitude import boresight
from simulators.geometry import look_angles
from simulators.link import SCAN_LIMIT_DEG
from simulators.orbits import propagate
from simulators.run import Settings, new_sky
from tests.simulators.lived import by_terminal, live_through, written

SECOND_NS = 1_000_000_000


@pytest.fixture(scope="module")
def small():
    return Settings(terminals=60, minutes=0.55, scenario="quiet", plan_ahead_s=60)


@pytest.fixture(scope="module")
def small_bytes(small):
    return written(small)


def test_the_same_seed_says_the_same_bytes_whether_somebody_draws_a_picture_or_not(small, small_bytes):
    sky = new_sky(small)
    values = []
    for second in sky:
        sky.picture()
        values += [record.value for record in second.records]
    assert values == [value for *_, value in small_bytes]


def test_another_seed_says_other_bytes(small, small_bytes):
    assert written(msgspec.structs.replace(small, seed=2)) != small_bytes


def test_writing_truth_down_changes_no_byte(short_bad_day, tmp_path):
    brief = msgspec.structs.replace(short_bad_day, minutes=0.9, plan_ahead_s=60)
    assert written(brief) == written(brief, tmp_path)


def test_every_value_lies_in_the_range_of_its_column(bad_day):
    for kind, layout in LAYOUTS.items():
        if kind == "control":
            continue
        rows = bad_day.rows(kind)
        assert len(rows["observed_at_ns"]), kind
        for column in layout.columns:
            values = rows.get(column.name)
            if values is None:
                continue
            known = values[~np.isnan(values)] if values.dtype.kind == "f" else values[values != MISSING]
            assert column.minimum is None or (known >= column.minimum).all(), (kind, column.name)
            assert column.maximum is None or (known <= column.maximum).all(), (kind, column.name)
            if column.required:
                assert len(known) == len(values), (kind, column.name)


def test_the_door_s_clock_is_never_behind_what_it_says_nor_goes_back(bad_day):
    clocks = [frame.header.received_at_ns for frame in bad_day.frames]
    assert clocks == sorted(clocks)
    for frame in bad_day.frames:
        if frame.rows and "observed_at_ns" in frame.columns:
            assert frame.columns["observed_at_ns"].max() <= frame.header.received_at_ns


def test_every_shard_is_heard_every_second_and_takes_its_leave(small):
    """Six terminals leave ten shards with nothing to say but ticks."""
    few = live_through(msgspec.structs.replace(small, terminals=6, minutes=0.1))
    shard_count = few.sky.settings.shard_count
    for second in few.seconds:
        mine = {int.from_bytes(r.key, "big") for r in second.records if r.topic.name == "telemetry.terminal.v1"}
        assert mine == set(range(shard_count))
    assert sum(frame.header.goodbye for frame in few.frames) == shard_count


def test_a_producer_s_frames_are_numbered_without_holes(bad_day):
    numbers = [
        f.header.producer_sequence
        for f in bad_day.frames
        if f.header.kind in {"terminal", "attachment", "control"} and f.header.shard == 3
    ]
    assert numbers == list(range(1, len(numbers) + 1))


def test_plans_are_out_ten_minutes_before_their_slots_and_each_frame_names_the_newest(bad_day):
    first_at_ns = bad_day.sky.settings.first_at_ns
    versions = [plan.header.plan_version for plan in bad_day.plans]
    assert versions == list(range(1, len(versions) + 1))
    for plan in bad_day.plans:
        header = plan.header
        assert header.complete
        assert header.slot_end_ns - header.slot_start_ns == 30 * SECOND_NS
        assert header.valid_from_ns == header.slot_start_ns
        assert header.published_at_ns <= header.valid_from_ns
        if header.published_at_ns > first_at_ns:
            assert header.valid_from_ns - header.published_at_ns >= 600 * SECOND_NS
    for frame in bad_day.frames:
        out = [
            p.header.plan_version
            for p in bad_day.plans
            if p.header.published_at_ns <= frame.header.received_at_ns - SECOND_NS
        ]
        assert frame.header.plan_version == max(out)


def test_a_terminal_in_service_follows_the_plan_of_its_cell(bad_day):
    rows = bad_day.rows("terminal", stored=False)
    fleet = bad_day.sky.fleet
    plans = {
        p.header.slot_start_ns: {
            c: i
            for i, (c, t) in enumerate(zip(p.columns["cell_id"].tolist(), p.columns["terminal_index"], strict=True))
            if t == MISSING
        }
        for p in bad_day.plans
    }
    columns = {p.header.slot_start_ns: p.columns for p in bad_day.plans}
    slot = rows["observed_at_ns"] // (30 * SECOND_NS) * (30 * SECOND_NS)
    for start in np.unique(slot).tolist():
        here = slot == start
        cell_of = fleet.cells.cell_ids[fleet.cell_at(start)]
        place = np.array([plans[start][c] for c in cell_of[rows["terminal_index"][here]].tolist()])
        for ours, planned in (
            ("serving_satellite_index", "satellite_index"),
            ("gateway_index", "gateway_index"),
            ("pop_index", "pop_index"),
            ("beam_id", "beam_id"),
        ):
            assert (rows[ours][here] == columns[start][planned][place]).all()


def test_every_serving_satellite_stands_above_35_deg_and_inside_the_cone(bad_day):
    rows = bad_day.rows("terminal", stored=False)
    fleet = bad_day.sky.fleet
    attitude = bad_day.truth("attitude")
    for at_ns in np.unique(rows["observed_at_ns"] // SECOND_NS)[::7] * SECOND_NS:
        here = (rows["observed_at_ns"] // SECOND_NS) * SECOND_NS == at_ns
        who, satellite = rows["terminal_index"][here], rows["serving_satellite_index"][here]
        position_km = propagate(fleet.carrying.satellites, np.array([at_ns])).position_km[0][satellite]
        steady = ~np.isin(who, fleet.movers.riders)
        cell = fleet.cell_at(int(at_ns) // (30 * SECOND_NS) * (30 * SECOND_NS))[who]
        look = look_angles(fleet.cells.latitude_deg[cell], fleet.cells.longitude_deg[cell], position_km)
        assert (look.elevation_deg >= 35.0 - 1e-6).all()
        assert (look.range_km >= np.linalg.norm(position_km, axis=1) - 6378.137).all()
        tilt_deg, azimuth_deg = fleet.terminals.aligned_tilt_deg.copy(), fleet.terminals.aligned_azimuth_deg.copy()
        for turn in attitude[attitude.at_ns <= at_ns].itertuples():
            index = bad_day.index_of(turn.terminal_id)
            tilt_deg[index], azimuth_deg[index] = turn.tilt_angle_deg, turn.boresight_azimuth_deg
        azimuth, elevation = np.radians(look.azimuth_deg), np.radians(look.elevation_deg)
        towards = np.stack(
            [np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)], axis=-1
        )
        cosine = np.sum(boresight(tilt_deg[who], azimuth_deg[who]) * towards, axis=-1)
        off_deg = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        assert (off_deg <= SCAN_LIMIT_DEG + fleet.terminals.aligned_tilt_deg[who] + 0.01)[steady].all()


def test_samples_are_numbered_without_holes_from_each_boot(bad_day):
    """The last of those without service are still in their rings when the run ends, so the last minute is left out."""
    rows = by_terminal(bad_day.rows("terminal"))
    early = rows["observed_at_ns"] < bad_day.seconds[-1].at_ns - 60 * SECOND_NS
    rows = {name: values[early] for name, values in rows.items()}
    same = (rows["terminal_index"][1:] == rows["terminal_index"][:-1]) & (
        rows["boot_count"][1:] == rows["boot_count"][:-1]
    )
    steps = np.diff(rows["sequence"])[same]
    assert (steps == 1).all()
    cadence_s = bad_day.sky.fleet.terminals.cadence_s[rows["terminal_index"][1:][same]].astype(np.int64)
    assert (np.diff(rows["observed_at_ns"])[same] == cadence_s * SECOND_NS).all()


def test_a_byte_counter_that_falls_within_a_boot_starts_anew(bad_day):
    rows = by_terminal(bad_day.rows("terminal"))
    same = (rows["terminal_index"][1:] == rows["terminal_index"][:-1]) & (
        rows["boot_count"][1:] == rows["boot_count"][:-1]
    )
    for name in ("downlink_bytes_total", "uplink_bytes_total"):
        fallen = np.flatnonzero(same & (np.diff(rows[name]) < 0)) + 1
        assert len(fallen) <= 5
        assert (rows[name][fallen] < 1e9).all()


def test_no_sample_of_a_terminal_without_service_is_told_at_once(bad_day):
    live, stored = bad_day.rows("terminal", stored=False), bad_day.rows("terminal", stored=True)
    assert (live["state"] == TerminalState.CONNECTED).all()
    assert np.isin(stored["state"], [int(s) for s in STATES_WITHOUT_TRAFFIC]).all()
    assert len(stored["state"]) > 0
    assert (stored["serving_satellite_index"] == MISSING).all()
    assert np.isnan(stored["snr_db"]).all()


def test_a_terminal_is_live_exactly_while_truth_says_that_it_has_service(bad_day):
    """Live samples against the intervals, at the very instants of measuring."""
    rows = by_terminal(bad_day.rows("terminal"))
    outages = bad_day.truth("outages")
    outages = outages[outages.cause != "handover"]
    by_id = dict(iter(outages.groupby("terminal_id")))
    for index, terminal in enumerate(bad_day.sky.inventory.terminals):
        mine = rows["terminal_index"] == index
        at_ns = rows["observed_at_ns"][mine]
        out = np.zeros(len(at_ns), dtype=bool)
        for outage in by_id.get(terminal.terminal_id, outages[:0]).itertuples():
            end_ns = np.inf if np.isnan(outage.ended_at_ns) else outage.ended_at_ns
            out |= (at_ns >= outage.started_at_ns) & (at_ns < end_ns)
        assert (out == (rows["state"][mine] != TerminalState.CONNECTED)).all()


def each_second(run):
    """Return the ids of those who report once a second."""
    cadence_s = run.sky.fleet.terminals.cadence_s
    return {t.terminal_id for t, s in zip(run.sky.inventory.terminals, cadence_s, strict=True) if s == 1}


def test_every_second_of_a_drop_is_the_share_that_truth_lost(bad_day):
    rows = by_terminal(bad_day.rows("terminal", stored=False))
    outages = bad_day.truth("outages")
    outages = outages[outages.ended_at_ns.notna()]
    outages = outages[outages.terminal_id.isin(each_second(bad_day))]
    start_ns = bad_day.sky.settings.first_at_ns
    for terminal_id, mine in list(outages.groupby("terminal_id"))[::25]:
        here = rows["terminal_index"] == bad_day.index_of(terminal_id)
        at_ns, drop = rows["observed_at_ns"][here], rows["pop_ping_drop_ratio"][here]
        lost = np.zeros(len(at_ns))
        for outage in mine.itertuples():
            overlap = np.minimum(outage.ended_at_ns, at_ns) - np.maximum(outage.started_at_ns, at_ns - SECOND_NS)
            lost += np.clip(overlap / SECOND_NS, 0, 1)
        whole = at_ns >= start_ns + SECOND_NS
        # The coded link itself loses a thousandth, and now and then a burst of pings.
        own = drop[whole] - lost[whole]
        assert (own > -0.0021).all()
        assert np.mean(own > 0.0021) < 0.06
        assert (own < 0.41).all()


def test_a_gap_of_geometry_is_a_slot_without_a_satellite_in_the_plan(bad_day):
    gaps = bad_day.truth("outages")
    gaps = gaps[gaps.cause == "coverage_gap"]
    assert len(gaps) > 0
    fleet = bad_day.sky.fleet
    ids = [t.terminal_id for t in bad_day.sky.inventory.terminals]
    cells_in = {
        p.header.slot_start_ns: dict(
            zip(ids, fleet.cells.cell_ids[fleet.cell_at(p.header.slot_start_ns)].tolist(), strict=True)
        )
        for p in bad_day.plans
    }
    uncovered = {
        (cell, p.header.slot_start_ns)
        for p in bad_day.plans
        for cell in p.columns["cell_id"][p.columns["satellite_index"] == -1].tolist()
    }
    end_ns = bad_day.sky.settings.first_at_ns + bad_day.sky.settings.second_count * SECOND_NS
    for gap in gaps.itertuples():
        stop_ns = end_ns if np.isnan(gap.ended_at_ns) else int(gap.ended_at_ns)
        for start in range(gap.started_at_ns, stop_ns, 30 * SECOND_NS):
            assert (cells_in[start][gap.terminal_id], start) in uncovered


def test_truth_s_handovers_are_what_live_samples_show(bad_day):
    rows = by_terminal(bad_day.rows("terminal", stored=False))
    names = np.array([s.satellite_id for s in bad_day.sky.inventory.satellites])
    same = rows["terminal_index"][1:] == rows["terminal_index"][:-1]
    near = np.diff(rows["observed_at_ns"]) == SECOND_NS
    satellite = rows["serving_satellite_index"]
    seen = np.flatnonzero(same & near & (satellite[1:] != satellite[:-1])) + 1
    ids = np.array([t.terminal_id for t in bad_day.sky.inventory.terminals])
    shown = {
        (
            ids[rows["terminal_index"][row]],
            int(rows["observed_at_ns"][row] // SECOND_NS),
            names[satellite[row - 1]],
            names[satellite[row]],
        )
        for row in seen.tolist()
    }
    truth = bad_day.truth("handovers")
    straight = truth[truth.from_satellite_id.notna() & truth.terminal_id.isin(each_second(bad_day))]
    happened = {
        (h.terminal_id, h.at_ns // SECOND_NS, h.from_satellite_id, h.to_satellite_id) for h in straight.itertuples()
    }
    # One whose first sample after the edge fell into another outage is not shown by adjacent samples.
    assert shown <= happened
    assert len(happened - shown) <= 0.01 * len(happened)
    assert (straight.at_ns == straight.planned_at_ns).all()


def test_every_handover_interrupts_for_tenths_of_a_second_from_the_edge_of_its_slot(bad_day):
    outages = bad_day.truth("outages")
    blinks = outages[outages.cause == "handover"]
    lasted_s = (blinks.ended_at_ns - blinks.started_at_ns) / 1e9
    assert ((lasted_s > 0.09) & (lasted_s < 0.51)).all()
    assert (blinks.started_at_ns % (30 * SECOND_NS) == 0).all()
    handovers = bad_day.truth("handovers")
    straight = handovers[handovers.from_satellite_id.notna()]
    blinked = set(zip(blinks.terminal_id, blinks.started_at_ns, strict=True))
    assert set(zip(straight.terminal_id, straight.at_ns, strict=True)) <= blinked


def test_who_had_no_service_before_an_edge_is_not_interrupted_by_it(bad_day):
    outages = bad_day.truth("outages")
    blinks, others = outages[outages.cause == "handover"], outages[outages.cause != "handover"]
    blinked = set(zip(blinks.terminal_id, blinks.started_at_ns, strict=True))
    ended = set(zip(others.terminal_id, others.ended_at_ns, strict=True))
    assert not blinked & ended


def test_every_path_reaches_a_pop(bad_day):
    rows = bad_day.rows("terminal", stored=False)
    assert (rows["gateway_index"] >= 0).all()
    assert (rows["pop_index"] >= 0).all()
    lands = bad_day.sky.fleet.segment.pop_of_gateway
    assert (rows["pop_index"] == lands[rows["gateway_index"]]).all()


def test_who_is_served_is_attached_where_it_is_served(bad_day):
    """Replay the records up to each second's end and hold them against the live samples of that second."""
    attached = np.full(len(bad_day.sky.inventory.terminals), -1)
    wrong = adrift = checked = 0
    for frame in bad_day.frames:
        if frame.header.kind == "attachment":
            for who, gateway, on in zip(
                frame.columns["terminal_index"], frame.columns["gateway_index"], frame.columns["attached"], strict=True
            ):
                if on:
                    attached[who] = gateway
                elif attached[who] == gateway:
                    attached[who] = -1
                else:
                    wrong += 1  # detached where it was not attached
        elif frame.header.kind == "terminal" and frame.rows and not frame.header.stored:
            held = attached[frame.columns["terminal_index"]]
            served = frame.columns["gateway_index"]
            wrong += int(np.sum((held != served) & (held != -1)))
            adrift += int(np.sum(held == -1))
            checked += len(held)
    assert wrong == 0
    # Whom the failing gateway gave up in the second of its failure, after they had measured.
    assert adrift <= len(bad_day.labels()["gateway_down"]["affected_terminal_ids"])
    assert checked > 50_000


def test_round_trips_step_at_the_edges_of_slots_by_2_to_25_ms(bad_day):
    rows = by_terminal(bad_day.rows("terminal", stored=False))
    same = (rows["terminal_index"][1:] == rows["terminal_index"][:-1]) & (np.diff(rows["observed_at_ns"]) == SECOND_NS)
    steps_ms = np.abs(np.diff(rows["pop_ping_latency_ms"]))
    handed = rows["serving_satellite_index"][1:] != rows["serving_satellite_index"][:-1]
    edge = rows["observed_at_ns"][1:] // SECOND_NS % 30 <= 1
    # The second of the edge has its own spike: the step is the one across it.
    across = same[:-2] & same[1:-1] & same[2:] & handed[1:-1]
    at_edge = np.abs(rows["pop_ping_latency_ms"][3:] - rows["pop_ping_latency_ms"][:-3])[across]
    within, kept = steps_ms[same & ~edge], steps_ms[same & ~handed & edge]
    # Who keeps its satellite keeps its queue; some change gateway.
    assert np.nanmedian(kept) < 2.0
    spikes_ms = steps_ms[same & handed] - np.nanmean(at_edge)
    assert 0.5 < np.nanmean(spikes_ms) < 12
    assert 8 < np.nanmean(at_edge) < 16
    assert np.nanquantile(at_edge, 0.95) < 28
    assert np.nanmean(within) < 1.0


def test_the_slow_columns_come_in_whole_minutes_only(bad_day):
    for frame in bad_day.frames:
        if frame.header.kind == "terminal" and frame.rows and not frame.header.stored:
            minute = (frame.header.received_at_ns // SECOND_NS - 1) % 60 == 0
            assert not minute or "install_state" in frame.columns


def test_the_picture_shows_where_everyone_is(bad_day):
    picture = bad_day.sky.picture()
    assert picture.at_ns == bad_day.seconds[-1].at_ns
    assert len(picture.satellite_latitude_deg) == len(bad_day.sky.inventory.satellites)
    assert np.nanmax(np.abs(picture.satellite_latitude_deg)) < 52.5
    assert len(picture.terminal_state) == len(picture.terminal_latitude_deg) == 400
    assert (picture.terminal_state == TerminalState.CONNECTED).sum() > 350
    assert picture.gateway_up.all()


def test_a_start_beyond_the_published_element_sets_goes_on_without_them():
    sky = new_sky(Settings(terminals=20, minutes=0.1, scenario="quiet", start_at_ns=1_800_000_000_000_000_000))
    assert len(sky.inventory.satellites) == 3236
    assert "14 days" in sky.notes[0]


def test_a_round_trip_reckons_the_feeder_link_and_the_fibre_behind_it(bad_day):
    """No sample is faster than light: up and down at the least altitude, twice, and the fibre to the PoP."""
    rows = bad_day.rows("terminal", stored=False)
    fleet = bad_day.sky.fleet
    at_ns = int(rows["observed_at_ns"][len(rows["observed_at_ns"]) // 2] // SECOND_NS * SECOND_NS)
    here = rows["observed_at_ns"] // SECOND_NS * SECOND_NS == at_ns
    who, satellite, gateway = (
        rows[name][here] for name in ("terminal_index", "serving_satellite_index", "gateway_index")
    )
    position_km = propagate(fleet.carrying.satellites, np.array([at_ns])).position_km[0][satellite]
    cell = fleet.cell_at(at_ns // (30 * SECOND_NS) * (30 * SECOND_NS))[who]
    service = look_angles(fleet.cells.latitude_deg[cell], fleet.cells.longitude_deg[cell], position_km)
    feeder = look_angles(fleet.gateways.latitude_deg[gateway], fleet.gateways.longitude_deg[gateway], position_km)
    light_ms = 2 * (service.range_km + feeder.range_km) / 299.792458
    fibre_ms = fleet.segment.round_trip_ms[gateway, rows["pop_index"][here]]
    rest_ms = rows["pop_ping_latency_ms"][here] - light_ms - fibre_ms
    # Processing of 4 ms, a queue of up to 30, a crowd, jitter; now and then the first pings of a slot.
    assert np.nanmin(rest_ms) > 3.9
    assert np.nanquantile(rest_ms, 0.99) < 40


def test_lasers_are_up_along_the_grid_and_as_long_as_their_ends_are_apart(bad_day):
    lasers, satellites = bad_day.rows("laser"), bad_day.rows("satellite")
    at_ns = lasers["observed_at_ns"][0]
    here = lasers["observed_at_ns"] == at_ns
    places = satellites["observed_at_ns"] == at_ns
    position_km = np.stack([satellites[f"position_{axis}_km"][places] for axis in "xyz"], axis=-1)
    own, peer = lasers["satellite_index"][here], lasers["peer_satellite_index"][here]
    assert np.bincount(own).tolist() == [4] * 3236
    assert (lasers["laser_state"][here] == LaserState.UP).all()
    apart_km = np.linalg.norm(position_km[own] - position_km[peer], axis=1)
    assert np.allclose(lasers["range_km"][here], apart_km, atol=0.1)


def test_satellites_report_every_ten_seconds_and_gateways_and_pops_every_second(bad_day):
    seconds = bad_day.sky.settings.second_count
    for kind, count in (("satellite", seconds // 10), ("gateway", seconds), ("pop", seconds), ("pop_egress", seconds)):
        at_ns = np.unique(bad_day.rows(kind)["observed_at_ns"])
        assert len(at_ns) == count
        assert (np.diff(at_ns) == seconds // count * SECOND_NS).all()


def test_a_gateway_counts_whom_its_beams_count(bad_day):
    gateways, beams = bad_day.rows("gateway"), bad_day.rows("gateway_beam")
    for at_ns in np.unique(gateways["observed_at_ns"])[5::37]:
        here, there = gateways["observed_at_ns"] == at_ns, beams["observed_at_ns"] == at_ns
        summed = np.bincount(
            beams["gateway_index"][there], weights=beams["terminals_attached_count"][there], minlength=214
        )
        assert (summed <= gateways["terminals_attached_count"][here]).all()
        # The rest has lost its service and is not given up yet.
        assert gateways["terminals_attached_count"][here].sum() - summed.sum() <= 20
        assert (beams["terminals_attached_count"][there] <= beams["terminals_expected_count"][there]).all()


def test_every_shard_hears_from_when_a_newer_plan_holds(bad_day):
    """The first control frame stands for all plans published at the start, and names the running slot."""
    said = {}
    for frame in bad_day.frames:
        if frame.header.kind == "control":
            said.setdefault(frame.header.plan_version, []).append(int(frame.columns["effective_at_ns"][0]))
    starts = {plan.header.plan_version: plan.header.valid_from_ns for plan in bad_day.plans}
    first = min(said)
    assert len(said[first]) == bad_day.sky.settings.shard_count
    assert set(said[first]) == {starts[1]}
    for version in sorted(said)[1:]:
        assert said[version] == [starts[version]] * bad_day.sky.settings.shard_count
    assert max(said) == max(starts)
