"""The gate: the only lines that ever see a sample untrusted; after them nobody checks a range again."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Any

import msgspec
import numpy as np

from ingest.contract.columns import MISSING, Array, Column, take
from ingest.contract.frame import Rejected, RejectReason
from ingest.contract.instants import NS_PER_S, from_rfc3339
from ingest.contract.inventory import Inventory
from ingest.contract.telemetry import TERMINAL
from ingest.ranges import check_clock, check_range

# Older than this is backfill: it fills the archive and corrects, and it never pages.
LATENESS_NS = 30 * NS_PER_S
# A sample's required fields alone are some 130 bytes of JSON: 8 MB hold no more than this, unless they are no samples.
BATCH_SAMPLES = 65_536

# In JSON an index is an id, an instant is RFC 3339 or nanoseconds, a choice is its word; the rest keeps its name.
_IDS = {
    "terminal_index": "terminal_id",
    "serving_satellite_index": "serving_satellite_id",
    "gateway_index": "gateway_id",
    "pop_index": "pop_id",
}
_WORDED = {c.name: c for c in TERMINAL.columns if c.choices is not None and not issubclass(c.choices, IntFlag)}
_NUMBERS = [c for c in TERMINAL.columns if c.name not in _IDS and c.name not in _WORDED and c.name != "observed_at_ns"]


def _field(column: Column) -> tuple[str, Any] | tuple[str, Any, Any]:
    kind: Any = float if column.numpy_type.kind == "f" else int
    if column.name in _IDS or column.name in _WORDED:
        kind = str
    name = _IDS.get(column.name, column.name)
    return (name, kind) if column.required else (name, kind | None, None)


_FIELDS = [_field(c) for c in TERMINAL.columns if c.name != "observed_at_ns"]
Sample = msgspec.defstruct(
    "Sample",
    [*_FIELDS, ("observed_at", str | None, None), ("observed_at_ns", int | None, None)],
    kw_only=True,
    forbid_unknown_fields=True,
)


class _Batch(msgspec.Struct):
    samples: list[Sample]  # type: ignore[valid-type] # built from the layout above


class _RawBatch(msgspec.Struct):
    samples: list[msgspec.Raw]


_batch_decoder = msgspec.json.Decoder(_Batch)
_raw_decoder = msgspec.json.Decoder(_RawBatch)
_sample_decoder = msgspec.json.Decoder(Sample)


@dataclass(frozen=True, slots=True)
class Passed:
    """What came through the gate.

    Attributes:
        live: Columns of samples to be judged now.
        stored: Columns of samples older than the lateness bound.
        rejected: What did not come through, by its index in the batch.
        accepted_count: Rows of both.
    """

    live: dict[str, Array]
    stored: dict[str, Array]
    rejected: tuple[Rejected, ...]
    accepted_count: int


def texts_of(body: bytes) -> list[bytes]:
    """Return each sample of a batch as it came; for the dead letters of one that has been admitted."""
    return [bytes(raw) for raw in _raw_decoder.decode(body).samples]


class Gate:
    """Knows the inventory by id; turns a caller's JSON into columns."""

    def __init__(self, inventory: Inventory) -> None:
        """Index the inventory's ids."""
        self._terminals = {t.terminal_id: t.terminal_index for t in inventory.terminals}
        self._tenant_of = np.array([t.tenant_index for t in inventory.terminals], np.int32)
        self._ids = {
            "serving_satellite_index": {s.satellite_id: s.satellite_index for s in inventory.satellites},
            "gateway_index": {g.gateway_id: g.gateway_index for g in inventory.gateways},
            "pop_index": {p.pop_id: p.pop_index for p in inventory.pops},
        }

    def admit(self, body: bytes, *, received_at_ns: int, tenant_index: int | None = None) -> Passed | Rejected:
        """Check a JSON batch `{"samples": [...]}`; a body that is no such batch is rejected as a whole.

        Args:
            body: What the caller sent.
            received_at_ns: The door's clock.
            tenant_index: The caller; its terminals alone are let in. None lets all in.
        """
        try:
            return self._check(_batch_decoder.decode(body).samples, [], received_at_ns, tenant_index)
        except msgspec.ValidationError:
            pass  # some sample has a wrong type: find out which, one by one
        except msgspec.DecodeError as error:
            detail = f"not JSON: {error}; send {{'samples': [...]}} and no NaN"
            return Rejected(reason=RejectReason.UNPARSEABLE, detail=detail)
        try:
            raw = _raw_decoder.decode(body).samples
        except msgspec.MsgspecError as error:
            return Rejected(reason=RejectReason.UNPARSEABLE, detail=f"not a batch: {error}; send {{'samples': [...]}}")
        if len(raw) > BATCH_SAMPLES:
            detail = f"{len(raw)} samples; a batch has at most {BATCH_SAMPLES}: send several"
            return Rejected(reason=RejectReason.TOO_LARGE, detail=detail)
        samples: list[Any] = []
        refused: list[Rejected] = []
        for index, text in enumerate(raw):
            try:
                samples.append(_sample_decoder.decode(text))
            except msgspec.MsgspecError as error:
                refused.append(_refuse_type(error, index))
                samples.append(None)
        return self._check(samples, refused, received_at_ns, tenant_index)

    def _check(
        self, samples: Sequence[Any], refused: list[Rejected], received_at_ns: int, tenant_index: int | None
    ) -> Passed:
        index = np.array([i for i, sample in enumerate(samples) if sample is not None], np.int64)
        kept = [sample for sample in samples if sample is not None]
        good = np.ones(len(kept), bool)
        rejected = list(refused)

        def refuse(bad: Array, reason: RejectReason, field: str, says: str) -> None:
            rows = index[bad & good].tolist()
            rejected.extend(Rejected(reason=reason, detail=says, field=field, index=row) for row in rows)
            good[bad] = False

        columns = self._columns(kept, refuse)
        self._check_terminals(columns["terminal_index"], tenant_index, refuse)
        check_clock(columns["observed_at_ns"], received_at_ns, refuse)
        for column in _NUMBERS:
            if column.name in columns:
                check_range(column, columns[column.name], refuse)
        late = columns["observed_at_ns"] < received_at_ns - LATENESS_NS
        return Passed(
            live=_typed(take(columns, good & ~late)),
            stored=_typed(take(columns, good & late)),
            rejected=tuple(sorted(rejected, key=lambda r: r.index or 0)),
            accepted_count=int(good.sum()),
        )

    def _columns(self, samples: list[Any], refuse: Any) -> dict[str, Array]:
        columns: dict[str, Array] = {
            "terminal_index": np.array([self._terminals.get(s.terminal_id, MISSING) for s in samples], np.int32),
            "observed_at_ns": np.array([_instant(s) for s in samples], np.int64),
        }
        for name, known in self._ids.items():
            texts = [getattr(s, _IDS[name]) for s in samples]
            if any(text is not None for text in texts):
                columns[name] = np.array([MISSING if t is None else known.get(t, -2) for t in texts], np.int32)
                refuse(
                    columns[name] == -2,
                    RejectReason.UNKNOWN_FIELD,
                    _IDS[name],
                    f"the inventory has no such {_IDS[name]}",
                )
        for name, column in _WORDED.items():
            words = [getattr(s, name) for s in samples]
            if column.required or any(word is not None for word in words):
                numbers = {choice.name.lower(): int(choice) for choice in column.choices or () if choice.name}
                values = np.array([MISSING if w is None else numbers.get(w.lower(), -2) for w in words], np.int64)
                refuse(values == -2, RejectReason.UNKNOWN_CHOICE, name, f"one of: {', '.join(numbers)}")
                columns[name] = values.astype(column.numpy_type)
        for column in _NUMBERS:
            found = [getattr(s, column.name) for s in samples]
            if column.required or any(value is not None for value in found):
                columns[column.name] = _numbers(column, found)
        return {name: columns[name] for name in TERMINAL.names() if name in columns}

    def _check_terminals(self, terminals: Array, tenant_index: int | None, refuse: Any) -> None:
        refuse(terminals < 0, RejectReason.UNKNOWN_TERMINAL, "terminal_id", "not in the inventory: apply it first")
        if tenant_index is not None and len(self._tenant_of):
            foreign = self._tenant_of[np.maximum(terminals, 0)] != tenant_index
            refuse(foreign, RejectReason.FOREIGN_TENANT, "terminal_id", "another tenant's terminal")


def _typed(columns: dict[str, Array]) -> dict[str, Array]:
    """Return the columns in the layout's types; only now, since what was refused may not fit them."""
    return {name: values.astype(TERMINAL.column(name).numpy_type) for name, values in columns.items()}


def _refuse_type(error: msgspec.MsgspecError, index: int) -> Rejected:
    says = str(error)
    path = says.rpartition("$.")[2].strip("`") if "$." in says else None
    if "unknown field" in says:
        return Rejected(reason=RejectReason.UNKNOWN_FIELD, detail=says, index=index)
    if "missing required field" in says:
        return Rejected(reason=RejectReason.MISSING_COLUMN, detail=says, field=says.split("`")[1], index=index)
    return Rejected(reason=RejectReason.WRONG_TYPE, detail=says, field=path, index=index)


def _instant(sample: Any) -> int:
    """Return nanoseconds, or -1 where neither form can be read (out of range, so the clock check refuses it)."""
    if sample.observed_at_ns is not None:
        return sample.observed_at_ns if 0 <= sample.observed_at_ns < 2**63 else MISSING
    try:
        return from_rfc3339(sample.observed_at or "")
    except (ValueError, OverflowError):
        return MISSING


def _numbers(column: Column, found: list[Any]) -> Array:
    """Return a column; integers that its type cannot hold become -2, which the range check refuses."""
    if column.numpy_type.kind == "f":
        return np.array([np.nan if value is None else value for value in found], np.float64)
    return np.array([MISSING if v is None else (v if 0 <= v < 2**63 else -2) for v in found], np.int64)
