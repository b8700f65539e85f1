"""An inventory from a file onto its topics: the whole file is judged first, then what changes is said, then it is written."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ingest.contract.bus import Fatal, Writer
from ingest.contract.inventory import (
    Deployment,
    Gateway,
    Inventory,
    InventoryRecord,
    Pop,
    Satellite,
    Tenant,
    Terminal,
    decode_record,
)
from ingest.contract.packing import Record, inventory_records
from ingest.lane import write

_KINDS: tuple[type[Any], ...] = (Tenant, Satellite, Gateway, Pop, Terminal)
# More would not be read; the rest is counted.
_ERRORS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Changes:
    """What applying a file means.

    Attributes:
        inventory: The result, under its new version.
        added: Number of new records by kind.
        changed: Number of records that say something else, by kind.
        records: What is to be written, the deployment last; none where nothing changes.
    """

    inventory: Inventory
    added: dict[str, int]
    changed: dict[str, int]
    records: tuple[Record, ...]

    def summary(self) -> dict[str, Any]:
        """Return what a person is told."""
        return {
            "version": self.inventory.version,
            "added": self.added,
            "changed": self.changed,
            "written": len(self.records),
        }


def read_inventory(path: Path) -> Inventory:
    """Read a file of JSON lines.

    Raises:
        Fatal: It cannot be read, or lines of it are wrong: every one is named.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise Fatal(f"{path}: {error.strerror}") from error
    records: dict[int, InventoryRecord] = {}
    errors: list[str] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                records[number] = decode_record(line)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                errors.append(f"{path}:{number}: {error}")
    errors += [f"{path}:{number}: {what}" for number, what in _contradictions(records)]
    if errors:
        more = f"\n... and {len(errors) - _ERRORS_SHOWN} more" if len(errors) > _ERRORS_SHOWN else ""
        raise Fatal("\n".join(errors[:_ERRORS_SHOWN]) + more)
    try:
        return Inventory(records.values())
    except ValueError as error:
        raise Fatal(f"{path}: {error}") from error


def _contradictions(records: dict[int, InventoryRecord]) -> Iterable[tuple[int, str]]:
    """Yield lines that say again what another line said, or name what no line has."""
    said: dict[tuple[type[Any], str, object], int] = {}
    for number, record in records.items():
        kind = type(record)
        facts = (
            [("deployment", 0)]
            if isinstance(record, Deployment)
            else [("id", id_of(record)), ("index", index_of(record))]
        )
        for name, value in facts:
            first = said.setdefault((kind, name, value), number)
            if first != number:
                yield number, f"{kind.__name__.lower()} {name} {value!r} stands in line {first} already"
    tenants = {r.tenant_index for r in records.values() if isinstance(r, Tenant)}
    pops = {r.pop_index for r in records.values() if isinstance(r, Pop)}
    for number, record in records.items():
        if isinstance(record, Terminal) and record.tenant_index not in tenants:
            yield number, f"no tenant has index {record.tenant_index}"
        if isinstance(record, Gateway) and record.pop_index not in pops:
            yield number, f"no PoP has index {record.pop_index}"


def changes(current: Inventory | None, wanted: Inventory) -> Changes:
    """Return what has to be written so that `wanted` holds; the version rises if anything does.

    Raises:
        Fatal: An index would change its owner, a record would go, or the shard count would change.
    """
    before = {} if current is None else _by_id(current)
    after = _by_id(wanted)
    if current is not None:
        _refuse(current, wanted, before, after)
    new = [key for key in after if key not in before]
    other = [key for key in after if key in before and before[key] != after[key]]
    version = wanted.version if current is None else current.version
    touched = {*new, *other}
    if current is not None and (touched or _frame(current.deployment) != _frame(wanted.deployment)):
        version = max(current.version + 1, wanted.version)
    deployment = msgspec.structs.replace(wanted.deployment, version=version)
    inventory = Inventory([deployment, *wanted.records()[1:]])
    records = _written(inventory, touched) if current is None or version != current.version else ()
    return Changes(inventory, _count(new), _count(other), records)


def apply(current: Inventory | None, wanted: Inventory, writer: Writer) -> Changes:
    """Write what changes, in order, and return once it is safe; the deployment follows what it counts.

    Raises:
        Fatal: The change is refused.
        Retry: The bus is away; apply it again.
    """
    found = changes(current, wanted)
    if found.records:
        write(writer, found.records[:-1])
        write(writer, found.records[-1:])
    return found


def id_of(record: InventoryRecord) -> str:
    """Return a record's id."""
    return str(getattr(record, f"{type(record).__name__.lower()}_id"))


def index_of(record: InventoryRecord) -> int:
    """Return a record's index."""
    return int(getattr(record, f"{type(record).__name__.lower()}_index"))


def _by_id(inventory: Inventory) -> dict[tuple[str, str], InventoryRecord]:
    return {(type(r).__name__.lower(), id_of(r)): r for r in inventory.records() if not isinstance(r, Deployment)}


def _frame(deployment: Deployment) -> Deployment:
    return msgspec.structs.replace(deployment, version=1)


def _refuse(
    current: Inventory,
    wanted: Inventory,
    before: dict[tuple[str, str], InventoryRecord],
    after: dict[tuple[str, str], InventoryRecord],
) -> None:
    if current.shard_count != wanted.shard_count:
        change = f"from {current.shard_count} to {wanted.shard_count}"
        raise Fatal(f"shard_count would go {change}: it is fixed for a deployment's life")
    errors = [f"{kind} {name} would go: records stay for ever" for kind, name in before if (kind, name) not in after]
    for key, record in before.items():
        other = after.get(key)
        if other is not None and index_of(other) != index_of(record):
            errors.append(f"{key[0]} {key[1]} would go from index {index_of(record)} to {index_of(other)}")
    if errors:
        more = f"\n... and {len(errors) - _ERRORS_SHOWN} more" if len(errors) > _ERRORS_SHOWN else ""
        raise Fatal("\n".join(errors[:_ERRORS_SHOWN]) + more)


def _written(inventory: Inventory, touched: set[tuple[str, str]]) -> tuple[Record, ...]:
    *records, deployment = inventory_records(inventory)
    # A topic is called inventory.<kind>.v1, and its key is the id.
    kept = [record for record in records if (record.topic.name.split(".")[1], record.key.decode()) in touched]
    return (*kept, deployment)


def _count(keys: list[tuple[str, str]]) -> dict[str, int]:
    names = [kind.__name__.lower() for kind in _KINDS]
    counted = {name: sum(kind == name for kind, _ in keys) for name in names}
    return {name: count for name, count in counted.items() if count}
