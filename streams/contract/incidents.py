"""An incident: one fault, its root, its reach and its life; children are attached in frames of their own, never dropped."""

from typing import Any

import msgspec

from ingest.contract.columns import Column, Layout
from ingest.contract.telemetry import EARLIEST_AT_NS, INDEX_LIMIT, LATEST_AT_NS
from ingest.contract.vocabulary import SubjectKind
from streams.contract.vocabulary import Audience, IncidentState, Remediation, Severity

# The record stays well under the broker's limit however wide the fault is: ids beyond the sample are in the children.
SAMPLE_COUNT = 20
INCIDENT_LIMIT_BYTES = 128 * 1024


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for the root: a sentence for a person, and the event it rests on."""

    says: str
    event_key: str | None = None
    at: str | None = None


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to the incident."""

    at: str
    says: str


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What an incident was at first, and when it first woke somebody; alerts are labelled by it, since a changed label is a second page."""

    cause: str
    severity: Severity
    audience: Audience


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """The newest revision of an incident.

    Attributes:
        incident_id: `inc-` and the first 16 hex digits of the root event's key at opening; stays through re-rooting.
        revision: Rises with each publication.
        root_kind, root_id: The thing that is broken.
        cause: The root event's kind.
        started_at: When the fault began, by observed time (RFC 3339).
        opened_at: Log time at which the correlator decided.
        changed_at: Log time of this revision.
        resolved_at: Log time of resolution; None while it stands.
        page_at: Log time from which it pages its audience; None while the remediation deadline runs, or for ever.
        confidence_ratio: 0 to 1.
        terminals_affected_count: Largest reach so far; `terminals_down_count` is now.
        terminal_ids: A sample, at most 20.
        changed_before: What was changed in the ten minutes before it, the newest first: `at`, `type` (maintenance_window,
            threshold_change, plan_superseded) and what identifies it.
        similar: Earlier incidents of the same root, the newest first.
        stored: Derived from backfill or replay: never a page.
        opening: As it was in its first revision or, from then on, in the first that paged, whatever has been learnt since; the
            topic is compacted, so each revision says it. None in a record that is older than the field.
    """

    incident_id: str
    revision: int
    state: IncidentState
    severity: Severity
    audience: Audience
    root_kind: SubjectKind
    root_id: str
    root_index: int
    cause: str
    title: str
    started_at: str
    opened_at: str
    changed_at: str
    resolved_at: str | None = None
    page_at: str | None = None
    confidence_ratio: float = 1.0
    evidence: list[Evidence] = []
    timeline: list[TimelineEntry] = []
    terminals_affected_count: int = 0
    terminals_down_count: int = 0
    cells_affected_count: int = 0
    tenants_affected_count: int = 0
    children_count: int = 0
    terminal_ids: list[str] = []
    remediation: Remediation = Remediation.NONE
    changed_before: list[dict[str, Any]] = []
    similar: list[str] = []
    stored: bool = False
    opening: Opening | None = None

    @property
    def is_open(self) -> bool:
        """Whether the fault stands."""
        return self.state is not IncidentState.RESOLVED

    @property
    def pages(self) -> bool:
        """Whether it wakes somebody now: it stands, its deadline has passed, and its audience is one that is paged."""
        waking = self.state is IncidentState.OPEN and self.page_at is not None
        return waking and self.audience.pages and not self.stored


encode_incident = msgspec.json.Encoder(enc_hook=None).encode
decode_incident = msgspec.json.Decoder(Incident).decode

CHILD = Layout(
    kind="incident_child",
    version=1,
    description="An event that belongs to an incident.",
    columns=(
        Column(name="event_key", dtype="V16", required=True, description="The child event."),
        Column(name="event_code", dtype="i2", required=True, minimum=0, description="Its kind."),
        Column(name="subject_kind", dtype="i1", required=True, choices=SubjectKind, description="What it is about."),
        Column(name="subject_index", dtype="i4", required=True, minimum=0, maximum=INDEX_LIMIT, description="Index of what it is about."),
        Column(name="started_at_ns", dtype="i8", required=True, minimum=EARLIEST_AT_NS, maximum=LATEST_AT_NS, description="When it began."),
    ),
)  # fmt: skip


class ChildrenHeader(msgspec.Struct, frozen=True, kw_only=True):
    """The metadata of a frame of children; the record's key is the incident id."""

    kind: str
    version: int
    incident_id: str
    revision: int


CHILD_LAYOUTS = {CHILD.kind: CHILD}
