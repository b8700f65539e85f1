"""The sky as a whole: second by second, what a door would write of it, in the order in which it would write."""

from collections.abc import Iterator

import msgspec
import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from ingest.contract.columns import Array, row_count, take
from ingest.contract.instants import NS_PER_MS, NS_PER_S
from ingest.contract.inventory import Inventory
from ingest.contract.packing import Packer, Record, Versions
from simulators.aim import aim
from simulators.announcements import Announcements
from simulators.attachments import Attachments
from simulators.berths import Berths
from simulators.board import Board
from simulators.causes import HANDOVER, IN_SERVICE, POWER_LOST, SLEEPING, Codes
from simulators.conditions import Conditions, no_trouble
from simulators.contract.truth import STEP_NS
from simulators.dishes import Dishes
from simulators.door import Door
from simulators.faults import Change, Fault, changes, left_out
from simulators.fleet import INVENTORY_VERSION, Fleet, build_fleet
from simulators.gauges import RainGauges
from simulators.geometry import Floats
from simulators.passes import Floats32, passes_of
from simulators.planner import Planner
from simulators.readings import Readings
from simulators.ring import Ring
from simulators.scenario import Scenario, load_scenario
from simulators.scheduler import NONE, Plan, Rules, Slots, joined
from simulators.service import Service
from simulators.settings import Settings
from simulators.spacecraft import EVERY_NS, Spacecraft
from simulators.stations import Stations
from simulators.timetable import Timetable
from simulators.truth_log import NoTruth

# From the last tenth of a second to the door: the radio, the ground, the batch.
DOOR_LATENCY_NS = 50 * NS_PER_MS
_TENTHS = 10


class Second(msgspec.Struct, frozen=True, kw_only=True):
    """One simulated second.

    Attributes:
        at_ns: Its first instant.
        received_at_ns: The door's clock as it writes these records.
        records: In the order of writing.
        live_count: Samples told at once.
        stored_count: Samples told afterwards, from terminals' rings.
    """

    at_ns: int
    received_at_ns: int
    records: list[Record]
    live_count: int
    stored_count: int


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """The sky at one instant, for a map; read only.

    Attributes:
        terminal_state: `TerminalState` as each terminal itself would say it; without power: UNKNOWN.
    """

    at_ns: int
    satellite_latitude_deg: Floats
    satellite_longitude_deg: Floats
    gateway_latitude_deg: Floats
    gateway_longitude_deg: Floats
    gateway_up: NDArray[np.bool_]
    terminal_latitude_deg: Floats
    terminal_longitude_deg: Floats
    terminal_state: NDArray[np.int8]


class Sky:
    """A run; iterate it once.

    Attributes:
        settings: What it was told.
        scenario: What goes wrong.
        fleet: Who takes part.
        conditions: What is true now.
        faults: What breaks, and when.
        notes: What the person who started the run should know.
    """

    def __init__(self, settings: Settings, *, truth: NoTruth | None = None) -> None:
        """Build the fleet and aim the faults.

        Raises:
            BadScenario: The scenario cannot be read or played.
        """
        self.settings = settings
        self.scenario: Scenario = load_scenario(settings.scenario)
        rngs = np.random.default_rng(settings.seed).spawn(10)
        slots = Slots(length_ns=settings.slot_length_s * NS_PER_S, phase_ns=settings.slot_phase_s * NS_PER_S)
        rules = Rules()
        self.fleet: Fleet = build_fleet(settings, rngs[0], rules, slots)
        self._timetable = Timetable(self.fleet, slots, rules)
        self._end_at_ns = settings.first_at_ns + settings.second_count * NS_PER_S
        self.faults: list[Fault] = aim(
            self.scenario, self.fleet, self._timetable, settings.first_at_ns, self._end_at_ns, rngs[1]
        )
        self.notes = tuple(
            note for note in (self.fleet.published.refusal, *left_out(self.scenario, settings.second_count)) if note
        )
        self._changes: list[Change] = changes(self.faults, self._end_at_ns)
        self._next_change = 0
        self.conditions: Conditions = no_trouble(self.fleet)
        self._board = Board(self.conditions)
        self._announcements = Announcements(self.faults, settings.first_at_ns)
        self._berths = Berths(
            self.fleet,
            self.conditions.network,
            (self.conditions.terminals, self.conditions.steering),
            self.faults,
            self._timetable,
        )
        self._gauges = RainGauges(self.fleet, settings.first_at_ns, self._end_at_ns, self.conditions.network, rngs[8])
        terminals, network, fleet = self.conditions.terminals, self._berths.network, self._berths.fleet
        span_ns = settings.first_at_ns, self._end_at_ns
        dishes = Dishes(fleet, terminals, network, span_ns, rngs[9])
        self._service = Service(fleet, terminals, network, dishes, rngs[2])
        self._readings = Readings(fleet, self._service, network, rngs[3])
        self._ring = Ring(len(self.fleet.terminals), rngs[4])
        self._attachments = Attachments(len(self.fleet.terminals), rngs[5])
        self._stations = Stations(self.fleet, self.conditions.network, rngs[6])
        self._spacecraft = Spacecraft(self.fleet, self.conditions.network, rules)
        self._packer = Packer(
            producer_id=settings.producer_id,
            shard_count=settings.shard_count,
            partition_count=settings.partition_count,
        )
        self._packer.versions = Versions(inventory=INVENTORY_VERSION)
        self._door = Door(self._packer, self.conditions.door, len(self.fleet.terminals), rngs[7])
        self._truth = truth or NoTruth()
        self._planner = Planner(self._timetable, self.fleet, settings, self.faults)
        self._plan: Plan | None = None
        self._before: NDArray[np.bool_] | None = None
        self._planned_cell = self.fleet.terminals.cell
        self._cell_bps: Floats = np.zeros(len(self.fleet.cells))
        self._is_other_weather = False
        self._state = np.zeros(len(self.fleet.terminals), dtype=np.int8)
        self._at_ns = settings.first_at_ns

    @property
    def inventory(self) -> Inventory:
        """Who takes part, as the rest of the house knows them."""
        return self.fleet.inventory

    @property
    def dishes(self) -> Dishes:
        """The terminals as bodies, for experiments that no scenario makes."""
        return self._service.dishes

    def __iter__(self) -> Iterator[Second]:
        """Live through the run."""
        with self._truth:
            self._truth.begin(self.fleet, self.faults, self.settings.first_at_ns, self._berths.conformance)
            for at_ns in range(self.settings.first_at_ns, self._end_at_ns, NS_PER_S):
                yield self._second(at_ns)
            self._truth.end()

    def picture(self) -> Picture:
        """Return the second that was last lived through."""
        fleet = self.fleet
        latitude_deg, longitude_deg = self._spacecraft.positions(self._at_ns)
        return Picture(
            at_ns=self._at_ns,
            satellite_latitude_deg=latitude_deg,
            satellite_longitude_deg=longitude_deg,
            gateway_latitude_deg=fleet.gateways.latitude_deg,
            gateway_longitude_deg=fleet.gateways.longitude_deg,
            gateway_up=self._service.feeders.carries,
            terminal_latitude_deg=fleet.terminals.latitude_deg,
            terminal_longitude_deg=fleet.terminals.longitude_deg,
            terminal_state=self._state,
        )

    def _second(self, at_ns: int) -> Second:
        self._at_ns = at_ns
        received_at_ns = at_ns + NS_PER_S + DOOR_LATENCY_NS
        records = self._say(at_ns, received_at_ns)
        plan = self._enter(at_ns)
        latent = self._live_through(at_ns)
        codes, absent_ratio = self._at_phase(latent)
        columns = self._readings.measure(at_ns, codes, absent_ratio)
        served = (codes == IN_SERVICE) | (codes == HANDOVER)
        tells = served & self.conditions.terminals.told & self._door.is_open
        told = self._remember(at_ns, columns, codes, tells)
        live = tells & self._readings.reports
        records += self._door.attachments(self._attach(at_ns, latent), received_at_ns)
        self._weigh(columns)
        if self._door.is_open:
            records += self._door.samples(columns, np.flatnonzero(live), received_at_ns)
            records += self._packer.samples(told, received_at_ns, stored=True)
            records += self._packer.ticks(received_at_ns)
            records += self._network(at_ns, received_at_ns, plan)
            if at_ns + NS_PER_S >= self._end_at_ns:
                records += self._packer.goodbye(received_at_ns)
        return Second(
            at_ns=at_ns,
            received_at_ns=received_at_ns,
            records=records,
            live_count=int(live.sum()),
            stored_count=row_count(told),
        )

    def _say(self, at_ns: int, received_at_ns: int) -> list[Record]:
        """Publish plans and windows that are due; each shard is told from when a newer version is in force."""
        announced = self._announcements.due(at_ns)
        published = self._planner.due(at_ns, self.conditions.network)
        records = announced.records + published.records
        self._packer.versions = structs.replace(
            self._packer.versions,
            plan=published.plan_version,
            maintenance=announced.version,
        )
        if self._door.is_open:
            for effective_at_ns in (announced.effective_at_ns, published.effective_at_ns):
                if effective_at_ns is not None:
                    records += self._packer.control(effective_at_ns, received_at_ns)
        return records

    def _enter(self, at_ns: int) -> Plan:
        """Return the plan that is carried out; whenever it is another than before, everyone takes it up."""
        self._is_other_weather = self._gauges.read(at_ns)
        plan = self._planner.in_force(at_ns)
        if plan is not self._plan or self._berths.are_stale:
            parts = self._berths.enter(plan, at_ns)
            flown = parts[0] if len(parts) == 1 else joined(parts)
            length_ns, burns = self._timetable.slots.length_ns, self.conditions.network.satellites
            passes = passes_of(flown, self._berths.fleet, length_ns, burns)
            self._planned_cell = self.fleet.cell_at(plan.slot_start_at_ns)
            self.fleet.movers.put(self._service.cell, plan.slot_start_at_ns)
            self._service.cell[self._berths.who] = self._berths.cells_at(at_ns)
            self._service.enter_slot(parts, passes, at_ns, is_planned=self._planner.is_planned(at_ns))
            self._readings.enter_slot(flown)
            self._timetable.forget_before(at_ns)
            self._plan = plan
        self._berths.refresh()
        return plan

    def _live_through(self, at_ns: int) -> Codes:
        """Return why each terminal has no service, a row a tenth of the second; one row where nothing changes in it."""
        end_at_ns = at_ns + NS_PER_S
        if self._service.dishes.switch(at_ns) or self._is_other_weather:
            self._service.follow(at_ns)
        self._service.dishes.look(at_ns)
        due = self._due(end_at_ns)
        edge = self._service.entered_at_ns == at_ns
        moving = self._move(at_ns) or bool(due) or edge or self._service.booting_ends_within(at_ns, end_at_ns)
        rows = []
        for tenth in range(_TENTHS if moving else 1):
            now_at_ns = at_ns + tenth * STEP_NS
            self._change([change for change in due if now_at_ns <= change.at_ns < now_at_ns + STEP_NS])
            rows.append(self._service.causes(now_at_ns))
        latent = np.stack(rows)
        self._truth.lived(at_ns, latent, self._service)
        return latent

    def _due(self, end_at_ns: int) -> list[Change]:
        """Take the changes up to this instant."""
        first = self._next_change
        while self._next_change < len(self._changes) and self._changes[self._next_change].at_ns < end_at_ns:
            self._next_change += 1
        return self._changes[first : self._next_change]

    def _move(self, at_ns: int) -> bool:
        """Let those who do not keep to the plan come to their berths, and leave them; tell whether anybody does."""
        cell = self._berths.cells_at(at_ns)
        changed = np.flatnonzero(cell != self._service.cell[self._berths.who])
        if len(changed):
            self._service.move(self._berths.who[changed], cell[changed], at_ns)
        return len(changed) > 0

    def _change(self, together: list[Change]) -> None:
        if not together:
            return
        for change in together:
            self._board.apply(change)
            self._berths.note(change)
        self._service.follow(together[0].at_ns)
        self._service.dishes.look(together[0].at_ns)
        for change in together:
            self._truth.changed(change, self._service)

    def _at_phase(self, latent: Codes) -> tuple[Codes, Floats32]:
        """Return, for the tenth in which each terminal measures, its code and its share of the last second away."""
        away = latent != IN_SERVICE
        before = away[:1] if self._before is None else self._before
        self._before = away
        if len(away) == len(before) == 1 and np.array_equal(away, before):
            return latent[0], away[0].astype(np.float32)
        codes, absent_ratio = latent[0].copy(), away[0].astype(np.float32)
        # Who changes in neither second is done; they are nearly all.
        who = np.flatnonzero((before != away[0]).any(axis=0) | (latent != latent[0]).any(axis=0))
        phase, shape, everyone = self._readings.phase[who], (_TENTHS, len(who)), np.arange(len(who))
        window = np.concatenate([np.broadcast_to(before[:, who], shape), np.broadcast_to(away[:, who], shape)])
        passed = np.concatenate([np.zeros((1, len(who)), np.int8), np.cumsum(window, axis=0, dtype=np.int8)])
        away_tenths = passed[phase + _TENTHS, everyone] - passed[phase, everyone]
        codes[who] = np.broadcast_to(latent[:, who], shape)[phase, everyone]
        absent_ratio[who] = away_tenths / _TENTHS
        return codes, absent_ratio

    def _remember(
        self, at_ns: int, columns: dict[str, Array], codes: Codes, tells: NDArray[np.bool_]
    ) -> dict[str, Array]:
        """Keep what cannot be told, and return what can be told now."""
        dark = np.flatnonzero(codes == POWER_LOST)
        if len(dark):
            self._ring.forget(dark)
        self._state = columns["state"]
        measured = (codes != POWER_LOST) & (codes != SLEEPING)
        self._ring.keep(at_ns, take(columns, np.flatnonzero(~tells & measured & self._readings.reports)))
        return self._ring.tell(at_ns, tells)

    def _attach(self, at_ns: int, latent: Codes) -> dict[str, Array]:
        served = (latent == IN_SERVICE) | (latent == HANDOVER)
        serving = np.where(served, self._service.gateway, NONE)
        return self._attachments.follow(at_ns, serving, self._service.feeders.carries)

    def _weigh(self, columns: dict[str, Array]) -> None:
        """Add up what flows to and from each cell."""
        bps = columns["downlink_throughput_bps"] + columns["uplink_throughput_bps"]
        flows_bps = np.bincount(self._planned_cell, weights=bps, minlength=len(self.fleet.cells))
        self._cell_bps = flows_bps.astype(np.float64)

    def _network(self, at_ns: int, received_at_ns: int, plan: Plan) -> list[Record]:
        passes = self._service.passes
        if passes is None:
            raise RuntimeError("a second without geometry: _enter() comes first")
        records = self._stations.report_gateways(
            at_ns,
            received_at_ns,
            plan=plan,
            passes=passes,
            feeders=self._service.feeders,
            cell=self._planned_cell,
            attached_gateway=self._attachments.gateway,
            cell_bps=self._cell_bps,
            packer=self._packer,
        )
        records += self._stations.report_pops(at_ns, received_at_ns, plan, self._cell_bps, self._packer)
        if at_ns % EVERY_NS == 0:
            records += self._spacecraft.report(at_ns, received_at_ns, plan, self._readings.traffic.crowd, self._packer)
        return records
