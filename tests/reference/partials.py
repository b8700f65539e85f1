"""The slow twin of a shard's partials: every sample kept, every gap kept, and each window added up at the end in plain Python."""

from bisect import bisect_left
from collections import Counter, defaultdict

from ingest.contract.instants import NS_PER_S
from streams.contract.rollups import RTT_BUCKETS_MS, bucket_name
from streams.contract.vocabulary import Conformance
from tests.reference.shard import ReferenceShard, ReferenceTerminal

WINDOW_NS = 60 * NS_PER_S


class ReferenceAccounts(ReferenceShard):
    """A reference shard that can add up its windows."""

    def __init__(self, terminals, plan, limits):
        super().__init__(terminals, plan, limits)
        self.terminals = {t.terminal_index: AccountedTerminal(t, self) for t in terminals}
        self.samples = defaultdict(dict)
        self.opened = None

    def frame(self, kind, producer, received_ns, rows, **options):
        super().frame(kind, producer, received_ns, rows, **options)
        if self.opened is None:
            self.opened = self.closed()
        if kind == "terminal":
            for row in rows:
                self.samples[row["terminal_index"]].setdefault((row["boot_count"], row["sequence"]), row)

    def closed(self):
        """Return the end of the last window that the watermark has passed."""
        return (self.clock - self.limits.lateness_ns) // WINDOW_NS * WINDOW_NS

    def say(self, kind, terminal, started_ns, **fields):
        super().say(kind, terminal, started_ns, **fields)
        if kind.startswith("outage_"):
            self.terminals[terminal].turn(kind, started_ns, dict(fields))

    def totals(self):
        """Return {(window, gateway, pop, model): Counter of columns} of every closed window."""
        found = defaultdict(Counter)
        for terminal in self.terminals.values():
            self.add_samples(terminal, found)
            for window in range(self.opened, self.closed(), WINDOW_NS):
                terminal.add_seconds(window, found)
        for event in self.events:
            if event["kind"] == "handover" and event["conformance"] != Conformance.MISSED:
                model = self.terminals[event["subject_index"]].record.model
                group = event["to_gateway_index"], event["to_pop_index"], model
                found[window_of(event["started_at_ns"]), *group]["handovers_count"] += 1
        return {
            key: {name: value for name, value in total.items() if value}
            for key, total in found.items()
            if self.opened <= key[0] < self.closed() and any(total.values())
        }

    def add_samples(self, terminal, found):
        before = None
        for key, row in sorted(self.samples[terminal.index].items()):
            group = row["gateway_index"], row["pop_index"], terminal.record.model
            total = found[window_of(row["observed_at_ns"]), *group]
            total["samples_count"] += 1
            total["drop_millionths"] += round(row["pop_ping_drop_ratio"] * 1_000_000)
            if row["pop_ping_latency_ms"] == row["pop_ping_latency_ms"]:
                total["rtt_count"] += 1
                total["rtt_us"] += round(row["pop_ping_latency_ms"] * 1000)
                total[bucket_name(RTT_BUCKETS_MS[bisect_left(RTT_BUCKETS_MS, row["pop_ping_latency_ms"])])] += 1
            for name, counter in (("downlink_bytes", "downlink_bytes_total"), ("uplink_bytes", "uplink_bytes_total")):
                if before is not None:
                    on = before[0][0] == key[0] and row[counter] >= before[1][counter]
                    total[name] += row[counter] - before[1][counter] if on else row[counter]
            before = key, row


class AccountedTerminal(ReferenceTerminal):
    """A reference terminal that remembers its gaps and who served it."""

    def __init__(self, record, shard):
        super().__init__(record, shard)
        self.known = None
        self.gaps = []
        self.served = []
        self.unheard = None

    def sample(self, row, rebooted, adjacent):
        begins = row["observed_at_ns"] - self.cadence
        self.known = begins if self.known is None else self.known
        if self.gaps and self.gaps[-1]["kind"] == "blind" and self.gaps[-1]["end"] is None:
            self.gaps[-1]["end"] = max(begins, self.gaps[-1]["start"])
        super().sample(row, rebooted, adjacent)

    def handover(self, row, adjacent):
        super().handover(row, adjacent)
        if self.serving:
            self.served.append((row["observed_at_ns"], self.serving[2], self.serving[3]))

    def pass_time(self):
        super().pass_time()
        blind = self.carrier is not None and self.carrier not in self.shard.live
        waits = self.settle is not None or (self.gaps and self.gaps[-1]["end"] is None)
        if blind and not waits and self.phase == "good" and self.known is not None:
            self.gaps.append({"kind": "blind", "start": self.observed, "end": None, **self.who()})

    def who(self):
        return {"gateway": self.serving[2], "pop": self.serving[3]} if self.serving else {"gateway": -1, "pop": -1}

    def turn(self, kind, start, fields):
        """Keep what an event says: of the gap that began then, or of the one that waits to be explained, or a new one."""
        if self.known is None or (kind == "outage_started" and "stored" in fields):
            return  # nobody knew it; or it is over already, and its end says both
        found = next((gap for gap in self.gaps[-1:] if gap["kind"] in ("suspected", "blind") and waits(gap)), None)
        found = next((gap for gap in reversed(self.gaps) if gap["start"] == start), found)
        if found is None:
            self.gaps.append(found := self.who())
        bad = "expected" if fields.get("expected") else "bad"
        meaning = {"outage_suspected": "suspected", "outage_withdrawn": "good"}
        found |= {"kind": meaning.get(kind, bad), "start": start, "end": fields.get("ended_at_ns")}

    def add_seconds(self, window, found):
        """Add one window's nanoseconds, each to one class."""
        if self.known is None:
            return
        model = self.record.model
        begins, ends = max(window, self.known), window + WINDOW_NS
        left = max(0, ends - begins)
        for gap in self.gaps:
            returned = gap["kind"] == "suspected" and self.phase == "good"
            end = self.over if returned else gap["end"]
            length = max(0, min(ends, ends if end is None else max(end, gap["start"])) - max(begins, gap["start"]))
            column = {"suspected": "unknown", "blind": "unknown"}.get(gap["kind"], gap["kind"])
            found[window, gap["gateway"], gap["pop"], model][column] += length
            left -= length
        serving = [(gateway, pop) for at, gateway, pop in self.served if at < ends]
        found[window, *(serving[-1] if serving else (-1, -1)), model]["good"] += left


def waits(gap):
    """Say whether a gap may yet turn out to be another: a suspicion until it is settled, blindness until a sample comes."""
    return gap["kind"] == "suspected" or gap["end"] is None


def window_of(at_ns):
    return at_ns // WINDOW_NS * WINDOW_NS
