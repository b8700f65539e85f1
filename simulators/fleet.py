"""Who takes part in a run: terminals at real cities, satellites, gateways and PoPs, and the inventory that names them."""

import re
import unicodedata
from collections import Counter

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.contract.instants import NS_PER_S
from ingest.contract.inventory import Deployment, Gateway, Inventory, InventoryRecord, Pop, Satellite, Tenant, Terminal
from ingest.contract.vocabulary import MobilityClass, NetworkType, ServiceClass, TerminalModel
from simulators import sites
from simulators.cells import Cells, cells_around
from simulators.constellation import Layer, carrying_layer, layer_of_element_sets, published_layer
from simulators.geometry import Floats
from simulators.movers import Movers, draw_hops, draw_mobility, draw_vehicles, slot_places
from simulators.orbits import propagate
from simulators.reporting import draw_cadences_s
from simulators.scheduler import NONE, GroundSegment, Rules, Slots, all_resources, ground_segment, plan_slot
from simulators.settings import Settings
from simulators.sites import Sites
from simulators.visibility import Indexes, ground

INVENTORY_VERSION = 1

# Nano, Pro, Ultra (re:Invent 2025, ARC320); the uplinks of the first two and the power of all but Ultra are assumed.
DOWNLINK_CAPACITY_BPS = np.array([100e6, 400e6, 1000e6])
UPLINK_CAPACITY_BPS = np.array([25e6, 100e6, 400e6])
FULL_POWER_W = np.array([40.0, 110.0, 300.0])

# Each private tenant is attached at so many PoPs.
PRIVATE_POPS = 2

_MODEL_SHARES = (0.25, 0.6, 0.15)
_SERVICE_SHARES = (0.7, 0.2, 0.07, 0.03)
_DUAL_PATH_RATIO = 0.12
# Within this of its centre a position is inside every resolution-5 cell.
_JITTER_KM = 4.0
_KM_PER_DEGREE = 111.2
# Commissioning accepts a face this far from level; the scan limit holds for the level sky (see service.py).
_ALIGNED_TILT_DEG = (0.2, 3.0)
# Slots over which a city's cover is measured, spread over a day.
_REACH_SLOTS = 24
_REACH_STEP_NS = 3_570 * NS_PER_S  # 59.5 min, so that the orbital period does not beat with it
# A small fleet keeps to a few cities, so that a gateway carries more than one terminal.
_TERMINALS_PER_CITY = 6
_LEAST_CITIES = 4
_SINGLED_OUT, _NO_COUNTRY = -1, "XZ"
_EDGE_LATITUDE_DEG = 56.0
_EDGE_REACH_RATIO = (0.15, 0.98)


class Terminals(msgspec.Struct, frozen=True, kw_only=True):
    """What is fixed about each terminal, by index."""

    cell: Indexes
    tenant: Indexes
    model: NDArray[np.int8]
    mobility: NDArray[np.int8]
    service: NDArray[np.int8]
    network_type: NDArray[np.int8]
    at_edge: NDArray[np.bool_]
    """Where geometry alone makes outages."""
    dual_path: NDArray[np.bool_]
    """Sites with a terrestrial path beside Leo."""
    cadence_s: NDArray[np.int16]
    """Seconds between samples."""
    latitude_deg: Floats
    longitude_deg: Floats
    aligned_tilt_deg: Floats
    aligned_azimuth_deg: Floats

    def __len__(self) -> int:
        return len(self.cell)


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that stands or flies in a run."""

    inventory: Inventory
    terminals: Terminals
    cells: Cells
    movers: Movers
    gateways: Sites
    pops: Sites
    segment: GroundSegment
    carrying: Layer
    """The satellites that carry traffic; their indexes come first."""
    published: Layer
    """The published element sets, which fly along."""

    def cell_at(self, slot_start_at_ns: int) -> Indexes:
        """Return the cell in which each terminal is planned in a slot."""
        cell = self.terminals.cell.copy()
        self.movers.put(cell, slot_start_at_ns)
        return cell

    @property
    def satellite_count(self) -> int:
        """Satellites of both layers."""
        return len(self.carrying) + len(self.published)


class _Cities(msgspec.Struct, frozen=True, kw_only=True):
    """Cities that terminals may stand in: those always in cover, and those at its edge."""

    every: Sites
    served: Indexes
    edge: Indexes


def build_fleet(settings: Settings, rng: np.random.Generator, rules: Rules, slots: Slots) -> Fleet:
    """Place terminals in cells with cover, a few of them at its edge, and write everyone into an inventory."""
    gateways, every_pop = sites.built_gateways(settings.gateways), sites.pops()
    pops = sites.only(every_pop, every_pop.operational)
    segment = ground_segment(gateways, pops)
    carrying = carrying_layer(settings.constellation, settings.first_at_ns)
    published = published_layer(settings.first_at_ns) if settings.published_layer else layer_of_element_sets([], 0)
    if set(published.satellite_ids) & set(carrying.satellite_ids):  # the run's own file flies them already
        published = layer_of_element_sets([], 0)
    cities = _service_cities(sites.cities(), segment, carrying, settings.first_at_ns, slots, rules)
    mobility = draw_mobility(settings.terminals, rng)
    at_edge, city = _spread(settings, cities, mobility, rng)
    used, place = np.unique(city.astype(np.int64), return_inverse=True)
    homes = sites.only(cities.every, used)
    cells, cell, movers = _settle(settings, homes, place.astype(np.int32), mobility, slots, rng)
    terminals = _terminals(settings, cells, cell, mobility, at_edge, rng)
    records: list[InventoryRecord] = [
        Deployment(
            version=INVENTORY_VERSION,
            shard_count=settings.shard_count,
            slot_length_s=slots.length_ns / NS_PER_S,
            slot_phase_s=slots.phase_ns / NS_PER_S,
        ),
        *_tenant_records(settings.tenant_count),
        *_terminal_records(terminals, cells, movers, [homes.countries[p] for p in place.tolist()]),
        *_satellite_records(carrying, published),
        *_ground_records(gateways, pops, segment),
    ]
    return Fleet(
        inventory=Inventory(records),
        terminals=terminals,
        cells=cells,
        movers=movers,
        gateways=gateways,
        pops=pops,
        segment=segment,
        carrying=carrying,
        published=published,
    )


def cover_ratio(
    places: Sites, segment: GroundSegment, layer: Layer, start_at_ns: int, slots: Slots, rules: Rules
) -> Floats:
    """Measure in what share of a day's slots each place's cell is served."""
    cells, cell = cells_around(places.latitude_deg, places.longitude_deg)
    cell_ground = ground(cells.latitude_deg, cells.longitude_deg)
    starts_at_ns = slots.start_at_ns(start_at_ns) + np.arange(_REACH_SLOTS, dtype=np.int64) * _REACH_STEP_NS
    starts_km, ends_km = (
        propagate(layer.satellites, at_ns).position_km for at_ns in (starts_at_ns, starts_at_ns + slots.length_ns)
    )
    resources = all_resources(segment, layer.on_duty, len(cells))
    frequency = np.zeros(len(cells), dtype=np.int32)
    covered = [
        plan_slot(
            slot_start_at_ns=int(at_ns),
            cells=cell_ground,
            frequency=frequency,
            segment=segment,
            peers=layer.peers,
            resources=resources,
            ends_km=(start_km, end_km),
            rules=rules,
        ).satellite_index
        != NONE
        for at_ns, start_km, end_km in zip(starts_at_ns, starts_km, ends_km, strict=True)
    ]
    ratio: Floats = np.mean(covered, axis=0)[cell]
    return ratio


def _service_cities(
    every: Sites, segment: GroundSegment, layer: Layer, start_at_ns: int, slots: Slots, rules: Rules
) -> _Cities:
    reach = cover_ratio(every, segment, layer, start_at_ns, slots, rules)
    low, high = _EDGE_REACH_RATIO
    edge = (np.abs(every.latitude_deg) >= _EDGE_LATITUDE_DEG) & (reach >= low) & (reach <= high)
    return _Cities(
        every=every,
        # Where nobody is served all day, those who are served most.
        served=np.flatnonzero(reach >= min(1.0, np.sort(reach)[-_LEAST_CITIES])).astype(np.int32),
        edge=np.flatnonzero(edge).astype(np.int32),
    )


def _spread(
    settings: Settings, cities: _Cities, mobility: NDArray[np.int8], rng: np.random.Generator
) -> tuple[NDArray[np.bool_], Indexes]:
    """Choose who stands at the edge, and everyone's city."""
    count = settings.terminals
    wanted = int(np.ceil(count * settings.edge_ratio)) if len(cities.edge) else 0
    still = rng.permutation(np.flatnonzero(mobility == MobilityClass.FIXED))
    at_edge = np.zeros(count, dtype=np.bool_)
    at_edge[still[:wanted]] = True
    some = min(max(count // _TERMINALS_PER_CITY, _LEAST_CITIES), len(cities.served))
    city = rng.choice(rng.choice(cities.served, some, replace=False), count)
    city[at_edge] = rng.choice(cities.edge, int(at_edge.sum()))
    return at_edge, city.astype(np.int32)


def _settle(
    settings: Settings,
    homes: Sites,
    place: Indexes,
    mobility: NDArray[np.int8],
    slots: Slots,
    rng: np.random.Generator,
) -> tuple[Cells, Indexes, Movers]:
    """Find every cell that somebody is in during the run, each terminal's first, and who goes from one to another."""
    first_at_ns, end_at_ns = settings.first_at_ns, settings.first_at_ns + settings.second_count * NS_PER_S
    riders, vehicle, tracks = draw_vehicles(mobility, homes.latitude_deg, homes.longitude_deg, first_at_ns, rng)
    nomads = np.flatnonzero(mobility == MobilityClass.NOMADIC).astype(np.int32)
    at = homes.latitude_deg[place[nomads]], homes.longitude_deg[place[nomads]]
    hops = draw_hops(nomads, *at, (first_at_ns, end_at_ns), rng)
    passed = slot_places(tracks, slots, first_at_ns, end_at_ns + settings.plan_ahead_s * NS_PER_S)
    cells, index = cells_around(
        np.concatenate([homes.latitude_deg, hops.latitude_deg, passed[0].ravel()]),
        np.concatenate([homes.longitude_deg, hops.longitude_deg, passed[1].ravel()]),
    )
    of_home, of_hop, of_vehicle = np.split(index, [len(homes), len(homes) + len(hops.who)])
    movers = Movers(
        riders=riders,
        vehicle=vehicle,
        tracks=tracks,
        hops=hops,
        first_slot_at_ns=slots.start_at_ns(first_at_ns),
        slot_length_ns=slots.length_ns,
        cell_of_vehicle=of_vehicle.reshape(passed[0].shape),
        cell_of_hop=of_hop,
    )
    cell = of_home[place]
    movers.put(cell, slots.start_at_ns(first_at_ns))
    return cells, cell, movers


def _terminals(
    settings: Settings,
    cells: Cells,
    cell: Indexes,
    mobility: NDArray[np.int8],
    at_edge: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Terminals:
    count = settings.terminals
    away_deg = _JITTER_KM / _KM_PER_DEGREE * np.sqrt(rng.random(count))
    bearing = rng.random(count) * 2.0 * np.pi
    latitude_deg = cells.latitude_deg[cell] + away_deg * np.cos(bearing)
    longitude_deg = cells.longitude_deg[cell] + away_deg * np.sin(bearing) / np.cos(np.radians(latitude_deg))
    model = rng.choice(len(_MODEL_SHARES), count, p=_MODEL_SHARES).astype(np.int8)
    tenant = rng.integers(0, settings.tenant_count, count, dtype=np.int32)
    return Terminals(
        cell=cell,
        tenant=tenant,
        model=model,
        mobility=mobility,
        service=_service(rng.choice(len(_SERVICE_SHARES), count, p=_SERVICE_SHARES).astype(np.int8), mobility),
        network_type=_network_type(tenant).astype(np.int8),
        at_edge=at_edge,
        dual_path=(mobility == MobilityClass.FIXED) & (rng.random(count) < _DUAL_PATH_RATIO),
        cadence_s=draw_cadences_s(model, rng),
        latitude_deg=np.round(latitude_deg, 4),
        longitude_deg=np.round((longitude_deg + 180.0) % 360.0 - 180.0, 4),
        aligned_tilt_deg=np.round(rng.uniform(*_ALIGNED_TILT_DEG, count), 1),
        aligned_azimuth_deg=np.round(rng.uniform(0.0, 359.9, count), 1),
    )


def _service(drawn: NDArray[np.int8], mobility: NDArray[np.int8]) -> NDArray[np.int8]:
    """Plants and grids stand still: who moves and was drawn as one of them is a business."""
    moves = mobility != MobilityClass.FIXED
    return np.where(moves & (drawn == ServiceClass.CRITICAL_OT), np.int8(ServiceClass.BUSINESS), drawn)


def _network_type(tenant: Indexes) -> NDArray[np.int64]:
    """Every fourth tenant keeps its traffic inside AWS."""
    return np.where(tenant % 4 == 3, NetworkType.PRIVATE_AWS, NetworkType.INTERNET)


def private_tenants(tenant_count: int) -> Indexes:
    """Name the tenants with private networking."""
    tenants: Indexes = np.arange(tenant_count, dtype=np.int32)
    chosen: Indexes = tenants[_network_type(tenants) != NetworkType.INTERNET]
    return chosen


def attachment_pops(fleet: Fleet) -> NDArray[np.int64]:
    """Give the PoP of each private attachment, in the order in which PoPs report them."""
    count = len(private_tenants(len(fleet.inventory.tenants))) * PRIVATE_POPS
    return np.arange(count, dtype=np.int64) % len(fleet.pops)


def _tenant_records(tenant_count: int) -> list[Tenant]:
    return [Tenant(tenant_id=f"tenant-{n:03d}", tenant_index=n, name=f"Tenant {n}") for n in range(tenant_count)]


def _terminal_records(terminals: Terminals, cells: Cells, movers: Movers, countries: list[str]) -> list[Terminal]:
    """Write terminals down; those that the plan singles out have no cell, and those at sea or in the air no country."""
    cell_ids = cells.cell_ids[terminals.cell]
    cell_ids[movers.who] = _SINGLED_OUT
    abroad = np.isin(terminals.mobility, (MobilityClass.MARITIME, MobilityClass.AVIATION)).tolist()
    countries = [_NO_COUNTRY if away else country for away, country in zip(abroad, countries, strict=True)]
    columns = zip(
        terminals.tenant.tolist(),
        terminals.model.tolist(),
        terminals.mobility.tolist(),
        terminals.service.tolist(),
        terminals.network_type.tolist(),
        cell_ids.tolist(),
        countries,
        terminals.latitude_deg.tolist(),
        terminals.longitude_deg.tolist(),
        terminals.cadence_s.tolist(),
        terminals.aligned_tilt_deg.tolist(),
        terminals.aligned_azimuth_deg.tolist(),
        strict=True,
    )
    return [
        Terminal(
            terminal_id=f"ut-{index:06d}",
            terminal_index=index,
            tenant_index=tenant,
            model=TerminalModel(model),
            mobility=MobilityClass(mobility),
            service=ServiceClass(service),
            network_type=NetworkType(network),
            cell_id=cell_id,
            country=country,
            latitude_deg=latitude_deg,
            longitude_deg=longitude_deg,
            cadence_s=cadence_s,
            aligned_tilt_deg=tilt_deg,
            aligned_azimuth_deg=azimuth_deg,
        )
        for index, (
            tenant, model, mobility, service, network, cell_id, country, latitude_deg, longitude_deg,
            cadence_s, tilt_deg, azimuth_deg
        ) in enumerate(columns)
    ]  # fmt: skip


def _satellite_records(carrying: Layer, published: Layer) -> list[Satellite]:
    named = [(layer, place) for layer in (carrying, published) for place in range(len(layer))]
    return [
        Satellite(
            satellite_id=layer.satellite_ids[place],
            satellite_index=index,
            shell=layer.shell_names[place],
            plane=int(layer.plane[place]),
            slot=int(layer.place[place]),
        )
        for index, (layer, place) in enumerate(named)
    ]


def _ground_records(gateways: Sites, pops: Sites, segment: GroundSegment) -> list[Gateway | Pop]:
    stations: list[Gateway | Pop] = [
        Gateway(
            gateway_id=name,
            gateway_index=index,
            pop_index=int(segment.pop_of_gateway[index]),
            country=gateways.countries[index],
            latitude_deg=float(gateways.latitude_deg[index]),
            longitude_deg=float(gateways.longitude_deg[index]),
        )
        for index, name in enumerate(_site_ids("gw", gateways.names))
    ]
    stations += [
        Pop(
            pop_id=name,
            pop_index=index,
            country=pops.countries[index],
            latitude_deg=float(pops.latitude_deg[index]),
            longitude_deg=float(pops.longitude_deg[index]),
        )
        for index, name in enumerate(_site_ids("pop", pops.names))
    ]
    return stations


def _site_ids(prefix: str, names: tuple[str, ...]) -> list[str]:
    """Make ids of places' names: `Adelanto, CA` is `gw-adelanto`; a twin gets a number."""
    seen: Counter[str] = Counter()
    ids = []
    for name in names:
        plain = unicodedata.normalize("NFKD", name.split(",")[0]).encode("ascii", "ignore").decode().lower()
        slug = f"{prefix}-{'-'.join(re.findall('[a-z0-9]+', plain))}"
        seen[slug] += 1
        ids.append(slug if seen[slug] == 1 else f"{slug}-{seen[slug]}")
    return ids
