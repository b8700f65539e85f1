"""The workshop's slow twin: one terminal, one sample at a time, in plain Python; written from the rules, not from the code."""

import itertools
import math

from ingest.contract.instants import NS_PER_S
from ingest.contract.vocabulary import STATES_WITHOUT_TRAFFIC, DetachReason, MobilityClass, ServiceClass, TerminalState
from streams.contract.vocabulary import Conformance, HandoverClass, OutageCause

CAUSE = {TerminalState[cause.name]: cause for cause in OutageCause if cause.name in TerminalState.__members__}
CAUSE[TerminalState.CONNECTED] = OutageCause.NO_PINGS
ITS_OWN = {
    OutageCause.POWER, OutageCause.BOOTING, OutageCause.STOWED, OutageCause.THERMAL_SHUTDOWN, OutageCause.SLEEPING,
}  # fmt: skip
UNASKED = "unasked"
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
        self.joined = {}
        self.clock = 0
        self.events = []

    def frame(self, kind, producer, received_ns, rows, *, stored=False, goodbye=False):
        left = producer not in self.live or received_ns - self.producers[producer] > self.limits.producer_timeout_ns
        if left:
            self.joined[producer] = received_ns
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

    def listening_since(self):
        return min((self.joined[p] for p in self.live), default=self.clock)

    def dark_gateways(self):
        """Those whose newest word is that they let terminals go for being out of service themselves."""
        newest = [t.newest for t in self.terminals.values() if t.newest]
        fell = {
            gateway: max(n[0] for n in newest if n[2:] == (gateway, True)) for _, _, gateway, dark in newest if dark
        }
        held = {gateway: max((n[0] for n in newest if n[1] and n[2] == gateway), default=0) for gateway in fell}
        return {gateway for gateway in fell if fell[gateway] > held[gateway]}

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
        self.patience = max(limits.silence_ns, limits.silence_cadences * self.cadence)
        self.heard = self.observed = None
        self.phase = "good"
        self.start = self.bad_since = self.good_since = None
        self.chain, self.bad_chain = [], []
        self.newest = None
        self.context = None
        self.settle = None
        self.records = {}
        # handover
        self.serving = None
        self.named_at = self.since = None
        self.left = (None, None)
        self.rtt = None
        self.slot, self.slot_satellite, self.reached = None, None, False
        # tilt
        self.episode = self.off = self.far = self.hurt = self.back = self.firm = None
        self.words_of_tilt = set()
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
            follows = self.last is not None and key in ((self.last[0], self.last[1] + 1), (self.last[0] + 1, 0))
            if not follows and came + self.shard.limits.reorder_wait_ns >= self.shard.clock:
                return
            if not follows:
                first = self.last[1] + 1 if self.last is not None and key[0] == self.last[0] else 0
                self.gap = key[0], first, key[1] - 1
            rebooted = self.last is not None and key[0] != self.last[0]
            adjacent = follows
            self.last = key
            del self.waiting[key]
            self.sample(row, rebooted, adjacent)
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
        gap = not adjacent or apart > min(limits.adjacent_cadences * self.cadence, self.shard.plan.slot_ns)
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
        limit = self.shard.limits.on_time_s
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
        if -limit <= error <= limit + max(0, self.cadence / NS_PER_S - 1):
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
        dark = not attached and row.get("detach_reason") == DetachReason.GATEWAY_OUT_OF_SERVICE
        if self.newest is None or (at, attached) >= self.newest[:2]:
            self.newest = at, attached, row["gateway_index"], dark

    def sample(self, row, rebooted, adjacent):
        at, begins, bad = row["observed_at_ns"], row["observed_at_ns"] - self.cadence, self.is_bad(row)
        cause = CAUSE[TerminalState(row["state"])] if bad else None
        if self.observed is None:
            late = begins - self.shard.listening_since() > self.patience
            self.records = self.records if late else {}
            if late and self.phase == "good":
                self.open("suspected", "unsaid", self.shard.listening_since(), None)
        elif self.is_hole(begins, missing=rebooted or not adjacent):
            self.settle_down()
            self.open("suspected", "unsaid", self.observed, row["boot_count"] - rebooted)
        if rebooted and self.phase != "good":
            self.booted = row["boot_count"]
        was = self.phase
        if (bad and was == "suspected") or (was == "out" and not self.heard_live):
            self.records[row["boot_count"], row["sequence"]] = at, cause
        if not bad:
            self.bad_since = None
        elif was != "out":
            if self.bad_since is None:
                self.bad_since, self.bad_chain = begins, []
            grow(self.bad_chain, cause)
        if bad and was != "out" and at - self.bad_since >= self.hold - self.shard.limits.stamp_jitter_ns:
            self.break_down(row)
        elif was == "out" and bad:
            if not grow(self.chain, cause) and (self.good_since is not None or self.chain[-1] != cause):
                self.repeats += 1
            self.good_since = None
        elif was == "out":
            self.good_since = begins if self.good_since is None else self.good_since
            if at - self.good_since > self.shard.limits.merge_ns:
                self.returns(self.good_since)
                self.shard.say("outage_ended", self.index, self.start, **self.words(), **self.span())
        elif was == "suspected" and not bad:
            self.returns(begins)
        self.observed = at

    def is_hole(self, begins, *, missing):
        """Whether an outage fits in what is missing before a sample, and nobody has noticed it yet."""
        long = begins - self.observed >= self.hold - self.shard.limits.stamp_jitter_ns
        settled = self.settle is None or self.records
        return missing and long and self.phase == "good" and self.bad_since is None and settled

    def uncovered(self, start):
        return self.planned("satellite_index", start) == -1

    def planned(self, name, start):
        row = self.shard.plan.row(self.shard.plan.start(start + self.cadence), self.index)
        return None if row is None else row[name]

    def let_go(self, start):
        return self.newest and self.newest[3] and self.newest[0] >= start - self.shard.limits.silence_ns

    def dark(self, start):
        """Whether its gateway was out of service: it let the terminal go for that, or others that it held."""
        gateways = {self.ends["from_gateway_index"], self.planned("gateway_index", start)}
        return self.let_go(start) or bool(gateways & self.shard.dark_gateways())

    def ask(self):
        """Records and samples of one moment come in any order: what explains a trouble waits for the clock."""
        if self.context == UNASKED:
            self.context = OutageCause.GATEWAY if self.dark(self.start) else None
            self.blame_tilt(self.start)

    def aligned(self, start):
        into = start % self.shard.plan.slot_ns
        return int(min(into, self.shard.plan.slot_ns - into) <= self.shard.limits.slot_edge_ns)

    def last_good(self):
        return self.observed if self.bad_since is None else self.bad_since

    def open(self, phase, told_as, start, boot, *, chain=(OutageCause.SILENT,), detached=0, live=False, booted=None):
        self.context = OutageCause.COVERAGE_GAP if self.uncovered(start) else UNASKED
        satellite, gateway = (self.serving[0], self.serving[2]) if self.serving else (-1, -1)
        self.ends = {"from_satellite_index": satellite, "from_gateway_index": gateway}
        self.expected, self.detached = int(self.uncovered(start)), detached
        self.phase, self.told_as, self.start, self.heard_live = phase, told_as, start, live
        self.chain, self.repeats, self.boot, self.booted = list(chain), 0, boot, booted
        self.good_since, self.settle = None, None

    def blame_tilt(self, until, late=0):
        askew = self.words_of_tilt & {"tilt_critical", "tilt_disturbed"} and self.episode <= until + self.cadence
        askew = askew and self.askew_at <= until + late
        if askew and self.context is None:
            self.context = OutageCause.TILT

    def break_down(self, row):
        """A bad run is long enough."""
        self.settle_down()
        suspected = self.phase == "suspected" and self.told_as == "suspicion"
        self.open(
            "out", "outage", self.start if suspected else self.bad_since, self.boot if suspected else row["boot_count"],
            chain=[*self.chain, *self.bad_chain][:12] if suspected else self.bad_chain, live=True,
            booted=self.booted if suspected else None,
        )  # fmt: skip
        self.bad_since = None
        self.shard.say("outage_started", self.index, self.start, **self.words(started=True))

    def lose(self):
        """Silent and detached."""
        self.settle_down()
        suspected = self.phase == "suspected" and self.told_as == "suspicion"
        start, chain = (self.start, self.chain) if suspected else (self.last_good(), self.fallen_silent())
        self.keep_lead()
        boot, booted = (self.boot, self.booted) if suspected else (self.last[0], None)
        self.open("out", "outage", start, boot, chain=chain, detached=1, booted=booted)
        self.ask()
        self.bad_since = None
        self.shard.say("outage_started", self.index, self.start, **self.words(started=True))
        self.fall_silent()

    def suspect(self, start):
        self.settle_down()
        self.keep_lead()
        self.open("suspected", "suspicion", start, self.last and self.last[0], chain=self.fallen_silent())
        self.ask()
        self.bad_since = None
        self.shard.say(
            "outage_suspected", self.index, start, **self.ends, expected=self.expected,
            threshold=self.patience / NS_PER_S,
        )  # fmt: skip
        self.fall_silent()

    def fallen_silent(self):
        return [*([] if self.bad_since is None else self.bad_chain), OutageCause.SILENT]

    def keep_lead(self):
        if self.bad_since is not None and self.phase == "good":
            self.records[self.last] = self.observed, self.bad_chain[-1]
            if self.observed - self.bad_since > self.cadence:
                raise NotImplementedError("several bad samples before a silence: no world of the tests has them")

    def returns(self, end):
        """Service is back; the ring has so long to tell what it was."""
        self.phase, self.good_since, self.over = "good", None, end
        self.settle = self.shard.clock + self.shard.limits.stored_wait_ns
        self.blame_tilt(end)

    def fold(self, row):
        held = self.observed is None and self.heard is not None
        if self.phase == "good" and self.settle is None and not held:
            return
        at = row["observed_at_ns"]
        over = self.over if self.phase == "good" and not held else math.inf
        if held or ((at > self.start or self.boot is None) and at - self.cadence < over):
            cause = CAUSE[TerminalState(row["state"])] if self.is_bad(row) else None
            self.records[row["boot_count"], row["sequence"]] = at, cause

    def pass_time(self):
        limits, clock = self.shard.limits, self.shard.clock
        blind = self.carrier is not None and self.carrier not in self.shard.live
        unsaid = self.phase == "suspected" and self.told_as == "unsaid"
        if self.phase != "good":
            self.ask()
            if self.context is None and self.let_go(self.start):
                self.context = OutageCause.GATEWAY
        if self.heard is not None and self.observed is not None and not blind:
            silent = clock - max(self.heard, self.shard.joined.get(self.carrier, 0))
            detached = self.newest and not self.newest[1] and self.newest[0] >= self.observed - limits.silence_ns
            if self.phase != "out" and detached and silent > self.hold + self.cadence:
                self.lose()
            elif silent > self.patience:
                if self.phase == "out" and self.heard_live:
                    grow(self.chain, OutageCause.SILENT)
                if self.phase == "good" or unsaid:
                    self.suspect(self.last_good())
        elif self.heard is None and self.phase == "good" and self.record.aligned_tilt_deg is not None:
            listened = clock - self.shard.listening_since()
            covered = self.planned("satellite_index", clock - self.cadence)
            if listened > max(self.patience, limits.first_contact_ns) and covered is not None and covered >= 0:
                self.suspect(self.shard.listening_since())
        if self.settle is not None and self.settle < clock:
            self.settle_down()

    # --- outage: the ring --------------------------------------------------------------------------------------------

    def settle_down(self):
        """The ring has had its time, or a new trouble begins."""
        if self.settle is None:
            return
        said = self.words()
        span = self.span()
        self.ask()
        self.blame_tilt(self.over, self.shard.limits.stored_wait_ns - self.shard.limits.silence_ns)
        silent = not self.heard_live
        asked = self.told_as != "outage" or self.records
        parts = stretches(self, hold=self.hold if silent else 0, detached=self.detached and silent) if asked else []
        own = [part for part in parts if silent and self.told_as == "outage" and part["start"] == self.start]
        if not silent:
            for part in parts:
                self.chain = explain(self.chain, part["chain"])
                self.repeats += part["repeats"]
            parts = []
        stands = self.told_as == "outage" and not (silent and asked and not own)
        if own:
            self.chain, self.repeats, self.over, self.booted = own[0]["chain"], own[0]["repeats"], own[0]["end"], None
        if stands:
            if (self.words(), self.span()) != (said, span):
                self.shard.say("outage_ended", self.index, self.start, **self.words(), **self.span(), revision=2)
        elif self.told_as == "outage" or (self.told_as == "suspicion" and not parts):
            self.shard.say("outage_withdrawn", self.index, self.start, **span)
        stored = int(bool(self.records))
        start, over, context = self.start, self.over, self.context
        for part in parts:
            if part not in own:
                self.tell(part, context, stored)
        self.start, self.over, self.context = start, over, context
        self.settle, self.records = None, {}

    def tell(self, part, context, stored):
        """Say an outage that only the ring knew."""
        self.start, self.over = part["start"], part["end"]
        self.chain, self.repeats, self.booted = part["chain"], part["repeats"], None
        self.expected = int(self.uncovered(self.start))
        if self.expected:
            context = OutageCause.COVERAGE_GAP
        elif context == OutageCause.COVERAGE_GAP:
            context = OutageCause.GATEWAY if self.dark(self.start) else None
        self.context = context
        self.shard.say("outage_started", self.index, self.start, **self.words(started=True), stored=stored)
        self.shard.say("outage_ended", self.index, self.start, **self.words(), **self.span(), stored=stored)

    def words(self, *, started=False):
        chain = self.chain
        if self.booted is not None and OutageCause.SILENT in chain:
            chain = explain(chain, [OutageCause.POWER, OutageCause.BOOTING])
        merged = {} if started else {"merged_count": len(chain) + self.repeats}
        known = [cause for cause in chain if cause not in (OutageCause.SILENT, OutageCause.UNKNOWN)]
        cause = known[0] if known else chain[0]
        outside = self.context not in (None, UNASKED) and cause not in ITS_OWN
        if outside or self.context == OutageCause.COVERAGE_GAP:
            cause, chain = self.context, [self.context, *chain]
        packed = sum((c + 1) << (5 * i) for i, c in enumerate(chain[:12]))
        return {
            **self.ends, "cause": cause, "cause_chain": packed, **merged, "expected": self.expected,
            "detached": self.detached, "slot_aligned": self.aligned(self.start),
        }  # fmt: skip

    def span(self):
        return {"ended_at_ns": self.over, "duration_s": (self.over - self.start) / NS_PER_S}

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

        said = set(self.words_of_tilt)
        if held(self.lost, limits.tilt_lost_ns) and not said:
            self.say_tilt("tilt_disturbed", at)
        far = held(self.far, limits.tilt_critical_ns)
        if (far or held(self.hurt, limits.tilt_critical_ns)) and "tilt_critical" not in said:
            limit = limits.tilt_critical_deg if far else limits.tilt_warning_deg
            self.say_tilt("tilt_critical", at, threshold=limit, service_impact=int(impact))
        if held(self.off, limits.tilt_warning_ns) and not self.words_of_tilt & {"tilt_warning", "tilt_critical"}:
            self.say_tilt("tilt_warning", at, threshold=limits.tilt_warning_deg)
        if held(self.firm, limits.tilt_restored_ns):
            if said:
                over = max(self.back, self.episode)
                self.say_tilt(
                    "tilt_restored", at, threshold=limits.tilt_warning_deg, ended_at_ns=over,
                    duration_s=(over - self.episode) / NS_PER_S,
                )  # fmt: skip
            self.words_of_tilt, self.episode = set(), None

    def say_tilt(self, kind, at, **fields):
        if kind in ("tilt_critical", "tilt_disturbed") and not self.words_of_tilt & {"tilt_critical", "tilt_disturbed"}:
            self.askew_at = at
        self.words_of_tilt.add(kind)
        reference = self.record.aligned_tilt_deg
        self.shard.say(
            kind, self.index, self.episode, tilt_angle_deg=math.nan if self.tilt is None else self.tilt,
            tilt_change_deg=math.nan if self.change is None else self.change,
            reference_tilt_deg=math.nan if reference is None else reference, **fields,
        )  # fmt: skip

    def fall_silent(self):
        off = self.change is not None and self.change > self.shard.limits.tilt_warning_deg
        if off and self.keeps_still and self.episode is not None and not self.words_of_tilt:
            self.say_tilt("tilt_disturbed", self.episode)


def grow(chain, cause):
    """Let a chain go on with a cause; say whether it did."""
    grows = (not chain or chain[-1] != cause) and len(chain) < 12
    if grows:
        chain.append(cause)
    return grows


def explain(chain, told):
    """Put what was told in the place of a silence, or what is new of it at the end."""
    if not told:
        return chain
    if OutageCause.SILENT in chain:
        at = chain.index(OutageCause.SILENT)
        whole = chain[:at] + told + chain[at + 1 :]
    else:
        whole = chain + [cause for cause in told if cause not in chain]
    return [cause for i, cause in enumerate(whole) if i == 0 or cause != whole[i - 1]][:12]


def stretches(terminal, *, hold, detached):
    """Return the parts of a terminal's gap without service, as its records tell."""
    limits, cadence = terminal.shard.limits, terminal.cadence
    # (begin, end, boot, cause or None for good, whether it is the edge of the gap)
    line = [(terminal.start, terminal.start, terminal.boot, None, True)]
    for (boot, _), (at, cause) in sorted(terminal.records.items()):
        if at - cadence < terminal.over and (at > terminal.start or terminal.boot is None):
            line.append((at - cadence, at, boot, cause, False))
    boot_after = max((b for b in (terminal.boot, terminal.booted) if b is not None), default=-1)
    line.append((terminal.over, terminal.over, boot_after, None, True))
    whole = [line[0]]
    for before, after in itertools.pairwise(line):
        if after[0] - before[1] > cadence // 2:
            booted = after[3] is OutageCause.BOOTING if before[2] is None else after[2] > before[2]
            full = before is line[0] and after[3] is not None and terminal.over - after[0] >= limits.ring_ns
            if booted:
                whole.append((before[1], after[0], before[2], OutageCause.POWER, False))
                whole.append((after[0], after[0], before[2], OutageCause.BOOTING, False))
            elif full or detached:
                whole.append((before[1], after[0], before[2], OutageCause.SILENT, False))
        whole.append(after)
    found, part, good_since = [], None, None
    for begin, end, _, cause, edge in whole:
        if cause is None:
            good_since = begin if good_since is None else good_since
            if part and (edge or end - good_since > limits.merge_ns):
                found.append({**part, "end": good_since})
                part = None
        elif part is None:
            part, good_since = {"start": begin, "last": end, "chain": [cause], "repeats": 0}, None
        else:
            turns = cause != part["last_cause"] if "last_cause" in part else cause != part["chain"][-1]
            if not (turns and grow(part["chain"], cause)) and (turns or good_since is not None):
                part["repeats"] += 1
            part["last"], good_since = end, None
        if cause is not None:
            part["last_cause"] = cause
    kept = []
    for each in found:
        if each["last"] - each["start"] >= hold - limits.stamp_jitter_ns:
            near = abs(each["start"] - terminal.start) <= cadence // 2
            kept.append({**each, "start": terminal.start if near else each["start"]})
    return kept


def run(since, at, *, holds, breaks):
    """Return the start of a run: it begins where it first holds and is over where it breaks."""
    if breaks:
        return None
    return at if holds and since is None else since
