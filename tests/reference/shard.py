"""The workshop's slow twin: one terminal, one sample at a time, in plain Python; written from the rules, not from the code."""

import math

from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import STATES_WITHOUT_TRAFFIC, MobilityClass, ServiceClass, TerminalState
from streams.contract.vocabulary import Conformance, HandoverClass, OutageCause

CAUSE = {TerminalState[cause.name]: cause for cause in OutageCause if cause.name in TerminalState.__members__}
CAUSE[TerminalState.CONNECTED] = OutageCause.NO_PINGS
ENDS = ("satellite_index", "beam_id", "gateway_index", "pop_index")
NAMES = ("serving_satellite_index", "beam_id", "gateway_index", "pop_index")


class ReferencePlan:
    """(slot start, terminal) to what is planned; a slot that is not there has no plan."""

    def __init__(self, slots, slot_ns):
        self.slots, self.slot_ns = slots, slot_ns

    def start(self, at_ns):
        return at_ns - at_ns % self.slot_ns

    def row(self, slot, terminal):
        return None if slot not in self.slots else self.slots[slot](terminal)

    def satellite(self, slot, terminal):
        row = self.row(slot, terminal)
        return None if row is None else row["satellite_index"]


class ReferenceShard:
    """Told frames in the log's order, it collects events as dictionaries."""

    def __init__(self, terminals, plan, limits):
        self.plan, self.limits = plan, limits
        self.terminals = {t.terminal_index: ReferenceTerminal(t, self) for t in terminals}
        self.producers = {}
        self.live = set()
        self.clock = 0
        self.events = []

    def frame(self, kind, producer, received_ns, rows, *, stored=False, goodbye=False):
        self.producers[producer] = max(received_ns, self.producers.get(producer, 0))
        (self.live.discard if goodbye else self.live.add)(producer)
        before = self.clock
        if self.live:
            newest = max(self.producers[p] for p in self.live)
            self.live = {p for p in self.live if self.producers[p] > newest - self.limits.producer_timeout_ns}
            self.clock = max(self.clock, min(self.producers[p] for p in self.live))
        if self.clock > before:
            # What came before the clock moved is in, however it was cut; this frame's rows are later.
            for terminal in self.terminals.values():
                terminal.release()
            for terminal in self.terminals.values():
                terminal.pass_time()
        if kind == "attachment":
            for row in rows:
                self.terminals[row["terminal_index"]].attachment(row)
        elif kind == "terminal" and stored:
            for row in rows:
                self.terminals[row["terminal_index"]].carrier = producer
                self.terminals[row["terminal_index"]].fold(row)
        elif kind == "terminal":
            for row in rows:
                self.terminals[row["terminal_index"]].carrier = producer
                self.terminals[row["terminal_index"]].arrive(row)
            for terminal in self.terminals.values():
                terminal.release()

    def say(self, kind, terminal, started_ns, **fields):
        self.events.append(
            {"kind": kind, "subject_index": terminal, "started_at_ns": started_ns, "revision": 1, **fields}
        )


class ReferenceTerminal:
    """One terminal's past."""

    def __init__(self, record, shard):
        self.record, self.shard = record, shard
        self.index = record.terminal_index
        self.cadence = round(record.cadence_s * NS_PER_S)
        self.keeps_still = record.mobility < MobilityClass.LAND and record.aligned_tilt_deg is not None
        limits = shard.limits
        self.hold = limits.critical_outage_ns if record.service is ServiceClass.CRITICAL_OT else limits.outage_ns
        self.carrier = None
        # order
        self.last = None
        self.waiting = {}
        self.gap = None
        # outage
        self.heard = self.observed = None
        self.phase = "good"
        self.start = self.bad_since = self.good_since = None
        self.bad_cause = None
        self.attached, self.attached_at = None, None
        self.said = None
        self.booted = False
        self.evidence = None
        self.settle = None
        # handover
        self.serving = None
        self.named_at = self.since = None
        self.left = (None, None)
        self.rtt = None
        self.slot, self.slot_satellite, self.reached = None, None, False
        # tilt
        self.episode = self.off = self.far = self.hurt = self.back = self.firm = None
        self.words = set()
        self.settled = self.lost = None
        self.change = self.tilt = None

    # --- order -------------------------------------------------------------------------------------------------------

    def arrive(self, row):
        self.heard = self.shard.clock
        key = row["boot_count"], row["sequence"]
        if self.last is not None and key <= self.last:
            boot, first, last = self.gap or (None, 0, -1)
            if row["boot_count"] == boot and first <= row["sequence"] <= last:
                self.fold(row)
            return
        self.waiting.setdefault(key, (row, self.shard.clock))

    def release(self):
        for key in sorted(self.waiting):
            row, came = self.waiting[key]
            follows = (
                self.last is None
                or key == (self.last[0], self.last[1] + 1)
                or key == (self.last[0] + 1, 0)
            )  # fmt: skip
            if not follows and came + self.shard.limits.reorder_wait_ns >= self.shard.clock:
                return
            if not follows:
                first = self.last[1] + 1 if key[0] == self.last[0] else 0
                self.gap = key[0], first, key[1] - 1
            rebooted = self.last is not None and key[0] != self.last[0]
            adjacent = follows and self.last is not None
            self.last = key
            del self.waiting[key]
            self.sample(row, rebooted)
            self.handover(row, adjacent)
            self.attitude(row)

    # --- handover ----------------------------------------------------------------------------------------------------

    def handover(self, row, adjacent):
        plan, at = self.shard.plan, row["observed_at_ns"]
        seen = [row[name] for name in NAMES]
        names = seen[0] >= 0
        before = self.serving
        if names and before is not None:
            moved = [now >= 0 and was >= 0 and now != was for now, was in zip(seen, before, strict=True)]
            if any(moved):
                self.say_handover(row, adjacent, seen, before, moved)
        if names and before is not None and self.slot is not None and plan.start(at) > self.slot:
            self.close_slot()
        if names:
            if self.slot is None or plan.start(at) > self.slot:
                self.slot, self.reached = plan.start(at), False
                self.slot_satellite = before[0] if before is not None else seen[0]
            planned = plan.satellite(plan.start(at), self.index)
            self.reached = self.reached or planned is None or planned == seen[0]
            if before is None or seen[0] != before[0]:
                self.since = at
                if before is not None:
                    self.left = before[0], at
            self.serving = [now if now >= 0 else was for now, was in zip(seen, before or seen, strict=True)]
            self.named_at = at
        if not math.isnan(row["pop_ping_latency_ms"]):
            self.rtt = row["pop_ping_latency_ms"]

    def say_handover(self, row, adjacent, seen, before, moved):
        limits, at = self.shard.limits, row["observed_at_ns"]
        apart = at - self.named_at
        gap = not adjacent or apart > limits.adjacent_cadences * self.cadence
        # When it happened inside a gap, nobody knows when.
        conformance, error = self.conformance(at, seen[0]) if moved[0] and not gap else (None, math.nan)
        left, left_at = self.left
        step = row["pop_ping_latency_ms"] - (math.nan if self.rtt is None else self.rtt)
        fields = {f"from_{end}": was for end, was in zip(ENDS, before, strict=True)}
        fields |= {f"to_{end}": now if now >= 0 else was for end, now, was in zip(ENDS, seen, before, strict=True)}
        bits = sum(bit for bit, change in zip(HandoverClass, moved, strict=True) if change)
        self.shard.say(
            "handover", self.index, at, handover_class=bits, **fields,
            gap_s=max(0, apart - self.cadence) / NS_PER_S, rtt_step_ms=step,
            conformance=-1 if conformance is None else conformance, timing_error_s=error,
            ping_pong=int(moved[0] and left == seen[0] and at - left_at <= limits.ping_pong_ns),
            short_stay=int(moved[0] and left is not None and at - self.since < limits.short_stay_ns),
            observed_gap=int(gap),
        )  # fmt: skip

    def conformance(self, at, to):
        plan = self.shard.plan
        slot = plan.start(at)
        now, before, later = (plan.satellite(slot + k * plan.slot_ns, self.index) for k in (0, -1, 1))
        if now is None or before is None:
            return None, math.nan
        into = (at - slot) / NS_PER_S
        if now == to and before != to:
            error = into
        elif later == to and now != to:
            error = into - plan.slot_ns / NS_PER_S
        else:
            return Conformance.UNPLANNED, math.nan
        if abs(error) <= self.shard.limits.on_time_s:
            return Conformance.ON_TIME, error
        return (Conformance.LATE if error > 0 else Conformance.EARLY), error

    def close_slot(self):
        plan = self.shard.plan
        target = plan.row(self.slot, self.index)
        was = plan.satellite(self.slot - plan.slot_ns, self.index)
        if target is None or was is None or self.reached:
            return
        to = target["satellite_index"]
        heard_to_the_end = self.named_at >= self.slot + plan.slot_ns - self.shard.limits.silence_ns
        if heard_to_the_end and to >= 0 and was >= 0 and to != was and self.slot_satellite == was:
            fields = {f"from_{end}": now for end, now in zip(ENDS, self.serving, strict=True)}
            fields |= {f"to_{end}": target[end] for end in ENDS}
            self.shard.say(
                "handover", self.index, self.slot, handover_class=HandoverClass.SATELLITE, **fields, gap_s=math.nan,
                rtt_step_ms=math.nan, conformance=Conformance.MISSED, timing_error_s=math.nan, ping_pong=0,
                short_stay=0, observed_gap=0,
            )  # fmt: skip

    # --- outage ------------------------------------------------------------------------------------------------------

    def is_bad(self, row):
        return row["pop_ping_drop_ratio"] >= self.shard.limits.drop_ratio or row["state"] in STATES_WITHOUT_TRAFFIC

    def attachment(self, row):
        at, attached = row["observed_at_ns"], row["attached"]
        if self.attached_at is None or (at, attached) >= (self.attached_at, self.attached):
            self.attached, self.attached_at = attached, at

    def sample(self, row, rebooted):
        at, begins, bad = row["observed_at_ns"], row["observed_at_ns"] - self.cadence, self.is_bad(row)
        if rebooted and self.phase != "good":
            self.booted = True
        was = self.phase
        if bad and was != "out" and self.bad_since is None:
            self.bad_since, self.bad_cause = begins, CAUSE[TerminalState(row["state"])]
        if not bad:
            self.bad_since = None
        if (
            bad
            and was in ("good", "suspected")
            and at - self.bad_since >= self.hold - self.shard.limits.stamp_jitter_ns
        ):
            self.begin(self.start if was == "suspected" else self.bad_since, self.bad_cause, detached=0)
        elif was == "out":
            if bad:
                self.good_since = None
            else:
                self.good_since = begins if self.good_since is None else self.good_since
                if at - self.good_since > self.shard.limits.merge_ns:
                    self.end(self.good_since)
        elif was == "suspected" and not bad:
            self.returns(begins, ended=False)
        self.observed = at

    def foreseen(self, start):
        slot = self.shard.plan.start(start + self.cadence)
        return self.shard.plan.satellite(slot, self.index) == -1

    def aligned(self, start):
        into = start % self.shard.plan.slot_ns
        return int(min(into, self.shard.plan.slot_ns - into) <= self.shard.limits.slot_edge_ns)

    def returns(self, end, *, ended):
        """Service is back; the ring has so long to tell what it was."""
        self.phase, self.good_since, self.over = "good", None, end
        self.settle, self.ended = self.shard.clock + self.shard.limits.stored_wait_ns, ended

    def begin(self, start, cause, *, detached):
        self.settle_down()
        uncovered = self.foreseen(start)
        cause = OutageCause.COVERAGE_GAP if uncovered else cause
        satellite, gateway = (self.serving[0], self.serving[2]) if self.serving else (-1, -1)
        self.said = {
            "from_satellite_index": satellite, "from_gateway_index": gateway, "cause": cause, "expected": int(uncovered),
            "detached": detached, "slot_aligned": self.aligned(start),
        }  # fmt: skip
        self.shard.say("outage_started", self.index, start, **self.said, cause_chain=cause + 1)
        self.phase, self.start, self.bad_since, self.good_since = "out", start, None, None
        self.booted, self.evidence, self.settle = False, None, None

    def causes(self, told):
        """Return cause and chain, given what the ring told (None for nothing)."""
        cause = self.said["cause"]
        if cause in (OutageCause.SILENT, OutageCause.UNKNOWN):
            if self.booted and told in (None, OutageCause.BOOTING):
                chain = [OutageCause.POWER, OutageCause.BOOTING]
            else:
                chain = [cause if told is None else told]
        else:
            chain = [cause] if told in (None, cause) else [cause, told]
        return {"cause": chain[0], "cause_chain": sum((c + 1) << (5 * i) for i, c in enumerate(chain))}

    def span(self):
        return {"ended_at_ns": self.over, "duration_s": (self.over - self.start) / NS_PER_S}

    def end(self, end):
        self.returns(end, ended=True)
        self.shard.say("outage_ended", self.index, self.start, **{**self.said, **self.causes(None)}, **self.span())

    def fold(self, row):
        if not self.is_bad(row) or (self.phase == "good" and self.settle is None):
            return
        at = row["observed_at_ns"]
        over = self.over if self.phase == "good" else math.inf
        if at >= self.start and at - self.cadence < over and (self.evidence is None or at < self.evidence[0]):
            self.evidence = at, CAUSE[TerminalState(row["state"])]

    def pass_time(self):
        limits, clock = self.shard.limits, self.shard.clock
        blind = self.carrier is not None and self.carrier not in self.shard.live
        if self.heard is not None and self.observed is not None and not blind:
            silent = clock - self.heard
            detached = self.attached == 0 and self.attached_at >= self.observed - limits.silence_ns
            if self.phase != "out" and detached and silent > self.hold + self.cadence:
                start = self.start if self.phase == "suspected" else self.observed
                self.begin(start, OutageCause.SILENT, detached=1)
                self.fall_silent()
            threshold = max(limits.silence_ns, limits.silence_cadences * self.cadence)
            if self.phase == "good" and silent > threshold:
                self.suspect(threshold)
        if self.settle is not None and self.settle < clock:
            self.settle_down()

    def suspect(self, threshold):
        self.settle_down()
        start = self.observed
        satellite, gateway = (self.serving[0], self.serving[2]) if self.serving else (-1, -1)
        uncovered = self.foreseen(start)
        self.shard.say(
            "outage_suspected", self.index, start, from_satellite_index=satellite, from_gateway_index=gateway,
            expected=int(uncovered), threshold=threshold / NS_PER_S,
        )  # fmt: skip
        cause = OutageCause.COVERAGE_GAP if uncovered else OutageCause.SILENT
        self.said = {
            "from_satellite_index": satellite, "from_gateway_index": gateway, "cause": cause, "expected": int(uncovered),
            "detached": 0, "slot_aligned": self.aligned(start),
        }  # fmt: skip
        self.phase, self.start, self.bad_since = "suspected", start, None
        self.booted, self.evidence, self.settle = False, None, None
        self.fall_silent()

    def settle_down(self):
        """The ring has had its time, or a new trouble begins."""
        if self.settle is None:
            return
        told = self.evidence[1] if self.evidence else None
        fields = {**self.said, **self.causes(told)}
        if self.ended:
            if self.causes(told) != self.causes(None):
                self.shard.say("outage_ended", self.index, self.start, **fields, **self.span(), revision=2)
        elif told is not None or self.booted:
            fields["stored"] = int(told is not None)
            self.shard.say("outage_started", self.index, self.start, **fields)
            self.shard.say("outage_ended", self.index, self.start, **fields, **self.span())
        else:
            self.shard.say("outage_withdrawn", self.index, self.start, **self.span())
        self.settle, self.evidence = None, None

    # --- tilt --------------------------------------------------------------------------------------------------------

    def change_deg(self, row):
        azimuth, elevation = row["boresight_azimuth_deg"], row["boresight_elevation_deg"]
        if self.record.mobility >= MobilityClass.LAND:
            should = row["desired_boresight_azimuth_deg"], row["desired_boresight_elevation_deg"]
        elif self.record.aligned_tilt_deg is None:
            return math.nan
        else:
            should = self.record.aligned_azimuth_deg, 90 - self.record.aligned_tilt_deg
        a, b = (math.radians(x) for x in (elevation, should[1]))
        turn = math.radians(azimuth - should[0])
        cosine = math.sin(a) * math.sin(b) + math.cos(a) * math.cos(b) * math.cos(turn)
        return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))

    def attitude(self, row):
        limits, at = self.shard.limits, row["observed_at_ns"]
        settled = row["attitude_converged"] == 1 and row["attitude_uncertainty_deg"] < limits.tilt_uncertainty_deg
        change = self.change_deg(row)
        counts = settled and not math.isnan(change)
        off = counts and change > limits.tilt_warning_deg
        impact = self.phase == "out" or row["pop_ping_drop_ratio"] >= limits.drop_ratio
        calm = self.settled is not None and at - self.settled >= limits.tilt_stable_ns
        if settled:
            self.lost = None
        elif self.lost is None and calm and self.keeps_still and row["attitude_converged"] >= 0:
            self.lost = at
        unsettled = not settled and self.keeps_still and row["attitude_converged"] >= 0
        if (off or (unsettled and self.lost is not None)) and self.episode is None:
            self.episode = at
        self.off = run(self.off, at, holds=off, breaks=counts and not off)
        far = off and change > limits.tilt_critical_deg
        self.far = run(self.far, at, holds=far, breaks=counts and not far)
        self.hurt = run(self.hurt, at, holds=off and impact, breaks=counts and not (off and impact))
        self.firm = run(self.firm, at, holds=counts and not off, breaks=off or not settled)
        doubt = 0.0 if settled else limits.tilt_doubts * row["attitude_uncertainty_deg"]
        agrees = change <= limits.tilt_warning_deg + doubt
        self.back = run(self.back, at, holds=agrees, breaks=not agrees and not math.isnan(change))
        self.settled = run(self.settled, at, holds=settled, breaks=not settled)
        if counts:
            self.change, self.tilt = change, row["tilt_angle_deg"]
        self.judge_tilt(at, impact)

    def judge_tilt(self, at, impact):
        limits = self.shard.limits

        def held(since, hold):
            return since is not None and at - since >= hold

        said = set(self.words)
        if held(self.lost, limits.tilt_lost_ns) and not said:
            self.say_tilt("tilt_disturbed")
        far = held(self.far, limits.tilt_critical_ns)
        if (far or held(self.hurt, limits.tilt_critical_ns)) and "tilt_critical" not in said:
            limit = limits.tilt_critical_deg if far else limits.tilt_warning_deg
            self.say_tilt("tilt_critical", threshold=limit, service_impact=int(impact))
        if held(self.off, limits.tilt_warning_ns) and not self.words & {"tilt_warning", "tilt_critical"}:
            self.say_tilt("tilt_warning", threshold=limits.tilt_warning_deg)
        if held(self.firm, limits.tilt_restored_ns):
            if said:
                over = max(self.back, self.episode)
                self.say_tilt(
                    "tilt_restored", threshold=limits.tilt_warning_deg, ended_at_ns=over,
                    duration_s=(over - self.episode) / NS_PER_S,
                )  # fmt: skip
            self.words, self.episode = set(), None

    def say_tilt(self, kind, **fields):
        self.words.add(kind)
        reference = self.record.aligned_tilt_deg
        self.shard.say(
            kind, self.index, self.episode, tilt_angle_deg=math.nan if self.tilt is None else self.tilt,
            tilt_change_deg=math.nan if self.change is None else self.change,
            reference_tilt_deg=math.nan if reference is None else reference, **fields,
        )  # fmt: skip

    def fall_silent(self):
        off = self.change is not None and self.change > self.shard.limits.tilt_warning_deg
        if off and self.keeps_still and self.episode is not None and not self.words:
            self.say_tilt("tilt_disturbed")


def run(since, at, *, holds, breaks):
    """Return the start of a run: it begins where it first holds and is over where it breaks."""
    if breaks:
        return None
    return at if holds and since is None else since
