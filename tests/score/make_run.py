"""A small run with known truth, and findings that are an exact copy of it; tests break one thing at a time."""

import json
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.contract.instants import NS_PER_S, from_rfc3339, to_rfc3339
from ingest.contract.vocabulary import SubjectKind
from simulators.contract.faults import FaultKind
from simulators.contract.truth import ATTITUDE, HANDOVERS, OUTAGES, Label, encode_label
from streams.contract.incidents import Incident, encode_incident
from streams.contract.vocabulary import Audience, IncidentState, Severity

START_NS = from_rfc3339("2025-10-03T00:00:00Z")
RUN_S = 900
CAUSE = {
    "gateway_down": "gateway_isolated",
    "antenna_knocked_over": "tilt_critical",
    "terminal_power_lost": "outage_started",
}
EVENT_CAUSE = {
    "gateway_down": "gateway",
    "power_lost": "power",
    "coverage_gap": "coverage_gap",
    "tilt": "tilt",
    "rain": "no_pings",
}


def at(second):
    return START_NS + round(second * NS_PER_S)


def say(second):
    return to_rfc3339(at(second))


def label(number, kind, root, start_s, end_s, terminals, **more):
    kind = FaultKind(kind)
    is_gateway = kind is FaultKind.GATEWAY_DOWN
    return Label(
        label_id=f"f{number}", kind=kind, root_kind="gateway" if is_gateway else "terminal", root_id=root,
        started_at=say(start_s), ended_at=None if end_s is None else say(end_s), affected_terminal_ids=terminals,
        page=is_gateway, page_by_s=60.0 if is_gateway else None, **{"audience": "noc_page" if is_gateway else "tenant", **more},
    )  # fmt: skip


def incident(
    number, root_kind, root, cause, opened_s, resolved_s=None, revision=1, terminals=(), affected=None, **more
):
    return Incident(
        incident_id=f"inc-{number}", revision=revision, state=IncidentState.OPEN, severity=Severity.CRITICAL,
        audience=Audience.NOC_PAGE, root_kind=SubjectKind[root_kind.upper()], root_id=root, root_index=0, cause=cause,
        title=f"{cause} {root}", started_at=say(opened_s), opened_at=say(opened_s), changed_at=more.pop("changed_at", say(opened_s)),
        resolved_at=None if resolved_s is None else say(resolved_s), terminal_ids=list(terminals)[:20],
        terminals_affected_count=len(terminals) if affected is None else affected, **more,
    )  # fmt: skip


def page(incident_id, at_s, root, team="noc", root_kind="gateway"):
    return {"incident_id": incident_id, "team": team, "at": say(at_s), "title": "woken", "root_kind": root_kind, "root_id": root, "cause": "gateway_isolated"}  # fmt: skip


class Run:
    """Truth and findings as plain lists, written to files on demand."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.labels, self.outages, self.handovers, self.attitude = [], [], [], []
        self.events, self.incidents, self.pages = [], [], []

    def add_outage(self, terminal, start_s, end_s, cause, label_id=None, *, found=True):
        self.outages.append({"terminal_id": terminal, "started_at_ns": at(start_s), "ended_at_ns": at(end_s), "cause": cause, "label_id": label_id})  # fmt: skip
        if found:
            self.say_outage(terminal, start_s, end_s, EVENT_CAUSE[cause], expected=cause == "coverage_gap")

    def say_outage(self, terminal, start_s, end_s, cause, *, expected=False, decided_s=None):
        decided_s = start_s + 3 if decided_s is None else decided_s
        self.say("outage_started", terminal, start_s, decided_s, cause=cause, expected=expected)
        self.say("outage_ended", terminal, start_s, end_s, cause=cause, expected=expected, ended_at=say(end_s))

    def add_handover(self, terminal, at_s, before, after, conformance="on_time", *, found=True):
        self.handovers.append({"terminal_id": terminal, "at_ns": at(at_s), "from_satellite_id": before, "to_satellite_id": after, "planned_at_ns": at(at_s), "conformance": conformance})  # fmt: skip
        if found:
            self.say_handover(terminal, at_s, before, after, conformance)

    def say_handover(self, terminal, at_s, before, after, conformance="on_time", **more):
        self.say("handover", terminal, at_s, at_s + 1, from_satellite_id=before, to_satellite_id=after, conformance=conformance, handover_class=["satellite", "beam"], **more)  # fmt: skip

    def add_tilt(self, terminal, start_s, end_s, tilt_deg, kind):
        self.attitude += [
            {"terminal_id": terminal, "at_ns": at(second), "tilt_angle_deg": deg, "boresight_azimuth_deg": 10.0}
            for second, deg in ((0, 20.0), (start_s, 20.0 + tilt_deg), (end_s, 20.0))
        ]
        self.say(kind, terminal, start_s, start_s + 12, tilt_angle_deg=20.0 + tilt_deg)
        self.say("tilt_restored", terminal, start_s, end_s + 5, ended_at=say(end_s))

    def say(self, kind, terminal, start_s, decided_s, revision=1, **more):
        key = f"{kind} {terminal} {at(start_s)} {more.get('to_satellite_id', '')}".encode().hex()
        self.events.append({"event_id": f"{key}.{revision}", "event_key": key, "revision": revision, "kind": kind, "subject_kind": "terminal", "subject_id": terminal, "started_at": say(start_s), "decided_at": say(decided_s), **more})  # fmt: skip

    def write(self):
        truth = self.folder / "truth"
        truth.mkdir(parents=True, exist_ok=True)
        (truth / "labels.jsonl").write_bytes(b"".join(encode_label(x) + b"\n" for x in self.labels))
        for name, rows, schema in (("outages", self.outages, OUTAGES), ("handovers", self.handovers, HANDOVERS), ("attitude", self.attitude, ATTITUDE)):  # fmt: skip
            pq.write_table(pa.Table.from_pylist(rows, schema=schema), truth / f"{name}.parquet")
        (self.folder / "events.jsonl").write_text("".join(json.dumps(x) + "\n" for x in self.events))
        (self.folder / "incidents.jsonl").write_bytes(b"".join(encode_incident(x) + b"\n" for x in self.incidents))
        (self.folder / "pages.jsonl").write_text("".join(json.dumps(x) + "\n" for x in self.pages))
        return truth, *(self.folder / f"{name}.jsonl" for name in ("events", "incidents", "pages"))

    def drop_events(self, *kinds):
        self.events = [x for x in self.events if x["kind"] not in kinds]

    def permute(self, renamed):
        """Give every truth to another terminal, as if the judge had the labels of another run."""
        self.labels = [
            msgspec.structs.replace(
                x, root_id=renamed.get(x.root_id, x.root_id), affected_terminal_ids=[renamed[t] for t in x.affected_terminal_ids]
            )
            for x in self.labels
        ]  # fmt: skip
        for table in (self.outages, self.handovers, self.attitude):
            for row in table:
                row["terminal_id"] = renamed[row["terminal_id"]]


def perfect_run(folder):
    """Three gateways that fail, 20 antennas knocked over, 20 terminals without power, gaps and handovers; all found."""
    run = Run(folder)
    names = [f"ut-{i:03d}" for i in range(120)]
    for g in range(3):
        members = names[40 + 20 * g : 60 + 20 * g]
        start_s = 100 + 200 * g
        run.labels.append(label(g, "gateway_down", f"gw-{g}", start_s, start_s + 120, members))
        run.incidents.append(
            incident(g, "gateway", f"gw-{g}", "gateway_isolated", start_s + 6, start_s + 125, terminals=members)
        )
        run.pages.append(page(f"inc-{g}", start_s + 20, f"gw-{g}"))
        for terminal in members:
            run.add_outage(terminal, start_s, start_s + 120, "gateway_down", f"f{g}")
    for i in range(20):
        start_s = 200 + 10 * i
        run.labels.append(label(10 + i, "antenna_knocked_over", names[i], start_s, start_s + 200, [names[i]]))
        run.incidents.append(
            incident(10 + i, "terminal", names[i], "tilt_critical", start_s + 12, start_s + 205, terminals=[names[i]])
        )
        run.add_tilt(
            names[i], start_s, start_s + 200, 15.0 if i % 2 else 45.0, "tilt_warning" if i % 2 else "tilt_critical"
        )
        terminal = names[20 + i]
        run.labels.append(label(40 + i, "terminal_power_lost", terminal, start_s, start_s + 60, [terminal]))
        run.incidents.append(
            incident(40 + i, "terminal", terminal, "outage_started", start_s + 4, start_s + 65, terminals=[terminal])
        )
        run.add_outage(terminal, start_s, start_s + 60, "power_lost", f"f{40 + i}")
    for i, terminal in enumerate(names[100:]):
        run.add_outage(terminal, 300 + i, 320 + i, "coverage_gap")
    for i, terminal in enumerate(names):
        for slot in range(3):
            run.add_handover(terminal, 10 + 30 * slot + (i % 7) / 10, f"sat-{i + slot}", f"sat-{i + slot + 1}")
    return run
