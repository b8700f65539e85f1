"""What the correlator keeps of an event, and the children's columns that it writes of it."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ingest.contract.columns import Array, Columns, row_count, take
from ingest.contract.vocabulary import SubjectKind
from streams.contract.catalogue import CATALOGUE, KIND_BY_CODE, code_of
from streams.contract.vocabulary import Audience

# Kinds that tell of an end, by what they end; any other kind ends with a revision that holds `ended_at_ns`.
ENDS = {
    "outage_ended": ("outage_started",), "outage_withdrawn": ("outage_started",),
    "tilt_restored": ("tilt_critical", "tilt_warning", "tilt_disturbed"), "gateway_restored": ("gateway_isolated",),
}  # fmt: skip
# What the correlator says itself.
_OWN = ("regional_outage", "auto_remediation_succeeded", "auto_remediation_failed")
# Told of an instant: nothing of it stands, and what made it necessary is told by itself.
_PASSING = ("gateway_failover",)
# A terminal's own troubles, and those of the network that somebody has to hear of.
OF_TERMINALS = (
    "outage_suspected", "outage_started", "outage_ended", "outage_withdrawn", "tilt_warning", "tilt_critical",
    "tilt_disturbed", "tilt_restored",
)  # fmt: skip
TROUBLES = frozenset(
    entry.kind
    for entry in CATALOGUE
    if entry.audience in {Audience.NOC_PAGE, Audience.SOC_PAGE, Audience.TICKET}
    and entry.kind not in (*_OWN, *_PASSING)
) | {"satellite_manoeuvre"}  # nobody hears of one, and it explains who is out by it
_HEARD_CODES = np.array([code_of(kind) for kind in (*OF_TERMINALS, *sorted(TROUBLES | ENDS.keys() - {*OF_TERMINALS}))])


class Notice(NamedTuple):
    """Of one event; ordered by when what it tells happened, then by kind: a beginning before its end."""

    at_ns: int
    code: int
    event_key: bytes
    revision: int
    kind: str
    subject_kind: SubjectKind
    subject_index: int
    started_at_ns: int
    ended_at_ns: int
    from_gateway_index: int
    from_pop_index: int
    expected: bool
    stored: bool
    tilt_change_deg: float

    @property
    def is_end(self) -> bool:
        """Whether it tells that something is over."""
        return self.at_ns != self.started_at_ns or self.kind in ENDS


def notices(columns: Columns) -> list[Notice]:
    """Read those events out of columns that can belong to an incident."""
    if not row_count(columns):
        return []
    columns = take(columns, np.isin(columns["event_code"], _HEARD_CODES))
    count = row_count(columns)

    def listed(name: str, missing: float) -> list[float]:
        return columns[name].tolist() if name in columns else [missing] * count

    rows = zip(
        columns["started_at_ns"].tolist(),
        columns["event_code"].tolist(),
        (bytes(key) for key in columns["event_key"].tolist()),
        columns["revision"].tolist(),
        columns["subject_kind"].tolist(),
        columns["subject_index"].tolist(),
        listed("ended_at_ns", -1),
        listed("from_gateway_index", -1),
        listed("from_pop_index", -1),
        listed("expected", -1),
        listed("stored", -1),
        listed("tilt_change_deg", float("nan")),
        strict=True,
    )
    return [
        Notice(
            int(end) if end > start else start, code, key, revision, KIND_BY_CODE[code].kind, SubjectKind(kind), index,
            start, int(end), int(gateway), int(pop), expected == 1, stored == 1, tilt,
        )
        for start, code, key, revision, kind, index, end, gateway, pop, expected, stored, tilt in rows
    ]  # fmt: skip


def children_columns(children: Iterable[Notice]) -> dict[str, Array]:
    """Return the columns of a frame of children."""
    kept = list(children)
    return {
        "event_key": np.frombuffer(b"".join(notice.event_key for notice in kept), dtype="V16"),
        "event_code": np.array([notice.code for notice in kept], np.int16),
        "subject_kind": np.array([notice.subject_kind for notice in kept], np.int8),
        "subject_index": np.array([notice.subject_index for notice in kept], np.int32),
        "started_at_ns": np.array([notice.started_at_ns for notice in kept], np.int64),
    }
