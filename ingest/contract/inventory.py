"""The inventory: stable ids, dense indexes, and what each thing is; strings appear only at the walls."""

from collections.abc import Iterable
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import EncryptionState, MobilityClass, NetworkType, ServiceClass, TerminalModel

Index = Annotated[int, Meta(ge=0, le=2**31 - 1, description="Dense number that frames carry; never reused.")]
Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="WGS 84, degrees.")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="WGS 84, degrees.")]
Country = Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166 alpha-2; XZ on the high seas.")]


class Deployment(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="deployment"):
    """What every process must agree on before it reads a frame.

    Attributes:
        version: Of the whole inventory; rises with each change.
        shard_count: A power of two and a multiple of the partition count; fixed for the deployment's life.
        slot_length_s: Length of a scheduling slot.
        slot_phase_s: Slots start at this second, modulo the length, of the Unix epoch.
        counts: On the topics: how many records of each type belong to this version, so that a reader of several topics
            knows when it has them all; empty in files.
    """

    version: Annotated[int, Meta(ge=1)]
    shard_count: Annotated[int, Meta(ge=1, le=65_536)]
    slot_length_s: Annotated[float, Meta(gt=0, le=3600)] = 30.0
    slot_phase_s: Annotated[float, Meta(ge=0)] = 0.0
    counts: dict[str, int] = {}

    def __post_init__(self) -> None:
        if self.shard_count & (self.shard_count - 1):
            raise ValueError(
                f"shard_count {self.shard_count} is no power of two: take 16, or 256 for a million terminals"
            )

    @property
    def slot_length_ns(self) -> int:
        """Length of a slot."""
        return round(self.slot_length_s * NS_PER_S)

    @property
    def slot_phase_ns(self) -> int:
        """Slots start so long after each multiple of their length."""
        return round(self.slot_phase_s * NS_PER_S)


class Tenant(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="tenant"):
    """A customer."""

    tenant_id: Id
    tenant_index: Index
    name: str = ""


class Terminal(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="terminal"):
    """A customer's antenna and modem.

    Attributes:
        cadence_s: How often it reports; silence is judged by it.
        cell_id: The h3 cell (resolution 5) it is planned in; -1 where the plan singles it out.
        aligned_tilt_deg: Attitude at commissioning, the reference of the tilt detector; None before it is aligned.
    """

    terminal_id: Id
    terminal_index: Index
    tenant_index: Index
    model: TerminalModel = TerminalModel.PRO
    mobility: MobilityClass = MobilityClass.FIXED
    service: ServiceClass = ServiceClass.CONSUMER
    network_type: NetworkType = NetworkType.INTERNET
    encryption: EncryptionState = EncryptionState.ENCRYPTED
    cell_id: int = -1
    country: Country = "XZ"
    latitude_deg: Latitude = 0.0
    longitude_deg: Longitude = 0.0
    cadence_s: Annotated[float, Meta(gt=0, le=3600)] = 1.0
    aligned_tilt_deg: Annotated[float, Meta(ge=0, le=180)] | None = None
    aligned_azimuth_deg: Annotated[float, Meta(ge=0, le=360)] | None = None


class Satellite(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="satellite"):
    """A spacecraft; its id is the catalogue number as a string where it has one."""

    satellite_id: Id
    satellite_index: Index
    shell: str
    plane: int = -1
    slot: int = -1


class Gateway(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="gateway"):
    """A ground station with feeder links."""

    gateway_id: Id
    gateway_index: Index
    pop_index: Annotated[int, Meta(ge=0, description="The PoP it lands at first; it can reach any.")]
    country: Country = "XZ"
    latitude_deg: Latitude = 0.0
    longitude_deg: Longitude = 0.0
    antennas_total_count: int = 8


class Pop(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="pop"):
    """Where traffic leaves for the Internet, AWS or a private interconnect."""

    pop_id: Id
    pop_index: Index
    country: Country = "XZ"
    latitude_deg: Latitude = 0.0
    longitude_deg: Longitude = 0.0


InventoryRecord: TypeAlias = Deployment | Tenant | Terminal | Satellite | Gateway | Pop

S = TypeVar("S")

encode_record = msgspec.json.Encoder().encode
decode_record = msgspec.json.Decoder(InventoryRecord).decode


class Inventory:
    """All records of one version, by index.

    Attributes:
        deployment: Shard count and slots.
        tenants, terminals, satellites, gateways, pops: Records in the order of their indexes, without holes.
    """

    def __init__(self, records: Iterable[InventoryRecord]) -> None:
        """Sort records into their kinds.

        Raises:
            ValueError: There is no deployment, the indexes of a kind have holes or twins, or there are not as many records
                as the deployment counts.
        """
        found = list(records)
        deployments = [r for r in found if isinstance(r, Deployment)]
        if not deployments:
            raise ValueError("an inventory needs one record of type 'deployment' (shard_count, version)")
        newest = max(deployments, key=lambda r: r.version)
        self.deployment = msgspec.structs.replace(newest, counts={})
        self.tenants = _dense([r for r in found if isinstance(r, Tenant)], "tenant_index")
        self.terminals = _dense([r for r in found if isinstance(r, Terminal)], "terminal_index")
        self.satellites = _dense([r for r in found if isinstance(r, Satellite)], "satellite_index")
        self.gateways = _dense([r for r in found if isinstance(r, Gateway)], "gateway_index")
        self.pops = _dense([r for r in found if isinstance(r, Pop)], "pop_index")
        if newest.counts and newest.counts != self.counts():
            raise ValueError(f"the deployment counts {newest.counts}, there are {self.counts()}")

    def counts(self) -> dict[str, int]:
        """Return how many records of each type there are."""
        return {
            "tenant": len(self.tenants),
            "terminal": len(self.terminals),
            "satellite": len(self.satellites),
            "gateway": len(self.gateways),
            "pop": len(self.pops),
        }

    @property
    def version(self) -> int:
        """Version of the whole."""
        return self.deployment.version

    @property
    def shard_count(self) -> int:
        """Number of shards that terminals are spread over."""
        return self.deployment.shard_count

    def records(self) -> list[InventoryRecord]:
        """Return every record, the deployment first."""
        return [self.deployment, *self.tenants, *self.terminals, *self.satellites, *self.gateways, *self.pops]

    def to_lines(self) -> bytes:
        """Write the file form: one JSON record a line."""
        return b"".join(encode_record(record) + b"\n" for record in self.records())

    @classmethod
    def from_lines(cls, lines: bytes) -> "Inventory":
        """Read the file form.

        Raises:
            ValueError: A line is no record (msgspec says where in it), or the whole is not dense.
        """
        records: list[InventoryRecord] = []
        for number, line in enumerate(lines.splitlines(), start=1):
            if line.strip():
                try:
                    records.append(decode_record(line))
                except msgspec.MsgspecError as error:
                    raise ValueError(f"inventory line {number}: {error}") from error
        return cls(records)


def _dense(records: list[S], index: str) -> list[S]:
    ordered = sorted(records, key=lambda record: int(getattr(record, index)))
    for expected, record in enumerate(ordered):
        if getattr(record, index) != expected:
            raise ValueError(
                f"{index} {getattr(record, index)} stands where {expected} should: indexes are dense and unique"
            )
    return ordered
