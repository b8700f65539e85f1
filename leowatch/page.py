"""`leowatch page`: the NOC page of a network whose log is on Kafka; it commits nothing and may be started and stopped at will."""

import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from kafka.errors import KafkaError

from dashboards.page.app import LOCAL_HOSTS, page_app
from dashboards.page.server import serving
from dashboards.page.state import PageState
from exporters.contract.sink import Place
from exporters.log_reader import LogReader
from ingest.contract.bus import Message, Retry
from ingest.contract.instants import NS_PER_S, to_rfc3339
from ingest.contract.topics import CONTACT_PLAN, SATELLITE_TELEMETRY
from leowatch.watch import READS, Watch
from streams.contract.topics import PARTIALS, TERMINAL_EVENTS

# What is shown first is the present: how far back in our time, and at least how many records, a topic is read at once.
# Satellites say their places every 10 s, a slot's plan comes minutes ahead; after a silence the last of them will do.
_RECENT = (
    (600.0, 0, {TERMINAL_EVENTS.name, PARTIALS.name}),
    (600.0, 64, {CONTACT_PLAN.name}),
    (60.0, 64, {SATELLITE_TELEMETRY.name}),
)
_BATCH_RECORDS = 2_000
_POLL_S = 0.2
_GLANCE_S = 0.01
_SHOW_EVERY_S = 0.5
# A shard ticks every second: a log that is silent for longer is asked whether it is there.
_SILENT_S = 3.0
_ANSWER_S = 2.0
_PAUSE_S = 2.0
_SAY_EVERY_S = 60.0
_HOST = re.compile(r"(\*\.)?[A-Za-z0-9.-]+")
_BROKER = re.compile(r"[^\s,:/]+:\d{1,5}")


@dataclass(frozen=True)
class Options:
    """What a person may say.

    Attributes:
        kafka: Brokers, host:port, comma separated.
        host: Where to listen.
        port: Where to listen; 0 takes a free one.
        allowed_hosts: Names that a browser may call us by, besides those of this machine.
        lookback_s: How far back events are read, to know what has stood since then.
    """

    kafka: str
    host: str = "127.0.0.1"
    port: int = 8080
    allowed_hosts: tuple[str, ...] = ()
    lookback_s: float = 86_400.0

    def check(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            ValueError: It says which option, and how to write it.
        """
        for broker in self.kafka.split(","):
            if not _BROKER.fullmatch(broker.strip()):
                raise ValueError(f"--kafka {broker!r} is no address: write host:port")
        for name in self.allowed_hosts:
            if not _HOST.fullmatch(name):
                raise ValueError(f"--allow-host {name!r} is no host name: write it without scheme and port")


@contextmanager
def told_to_stop() -> Iterator[threading.Event]:
    """Yield what SIGTERM and Ctrl-C set: the first process of a container dies of no signal by itself."""
    stopping = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopping.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_page(options: Options, said: Callable[[str], None]) -> None:
    """Serve the page until told to stop.

    Raises:
        ValueError: An option cannot be meant.
        OSError: The port is taken.
    """
    options.check()
    follower = Follower(options.kafka, options.lookback_s, said)
    app = page_app(follower, allowed_hosts=(*LOCAL_HOSTS, *options.allowed_hosts))
    with told_to_stop() as stopping, serving(app, host=options.host, port=options.port) as address:
        said(f"the page: {address}   its log: {options.kafka}")
        follower.follow(stopping)


class Follower:
    """Reads the log for as long as it is asked to, and keeps a finished state for the page.

    Args:
        kafka: Brokers.
        lookback_s: How far back events are read.
        said: Is told once a minute why there is no log.
    """

    def __init__(self, kafka: str, lookback_s: float, said: Callable[[str], None]) -> None:
        self._kafka = kafka
        self._lookback_s = lookback_s
        self._said = said
        self._watch = Watch(label=kafka)
        self._newest: PageState | None = None
        self._said_at_s = -_SAY_EVERY_S
        self._show(f"Waiting for the log on Kafka at {kafka}.", ready=False)

    def snapshot(self) -> PageState | None:
        """Return the page's newest state."""
        return self._newest

    def follow(self, stopping: threading.Event) -> None:
        """Read until told to stop; without a log, or with a new one in its place, begin anew when it is there."""
        while not stopping.is_set():
            try:
                self._follow(stopping)
            except (Retry, KafkaError) as error:
                self._away(f"Waiting for the log: {error}.")
                stopping.wait(_PAUSE_S)

    def _follow(self, stopping: threading.Event) -> None:
        with ExitStack() as stack:
            reading = Reading(self._kafka, self._lookback_s, stack)
            self._watch = Watch(label=self._kafka)
            heard_at_s = shown_at_s = time.monotonic()
            while not stopping.is_set():
                messages = reading.poll()
                self._watch.take(messages)
                now_s = time.monotonic()
                if messages:
                    heard_at_s = now_s
                if now_s - shown_at_s < _SHOW_EVERY_S:
                    continue
                shown_at_s = now_s
                if now_s - heard_at_s > _SILENT_S and not reading.answers():
                    self._away(f"Kafka at {self._kafka} has not answered for {now_s - heard_at_s:.0f} s.")
                else:
                    notice, ready = reading.progress()
                    self._show(notice, ready=ready)

    def _away(self, notice: str) -> None:
        self._show(notice, ready=False)
        if time.monotonic() - self._said_at_s >= _SAY_EVERY_S:
            self._said_at_s = time.monotonic()
            self._said(f"{to_rfc3339(time.time_ns() // NS_PER_S * NS_PER_S)} {notice}")

    def _show(self, notice: str, *, ready: bool) -> None:
        self._newest = self._watch.state(time.time_ns(), notice=notice, ready=ready)


class Stretch:
    """A part of the log to be read, and how much of it has been."""

    def __init__(self, reader: LogReader, starts: Mapping[Place, int], ends: Mapping[Place, int]) -> None:
        self._reader = reader
        reader.start(starts)
        self._begun = reader.positions()
        self._ends = ends
        self.is_read = False

    def poll(self, timeout_s: float) -> list[Message]:
        """Return the next records, also those that came after the stretch was laid down."""
        messages = self._reader.poll(timeout_s)
        if not self.is_read:
            self.is_read = self._left(self._reader.positions()) == 0
        return messages

    def read_ratio(self) -> float:
        """Say how much of it has been read."""
        return 1.0 - self._left(self._reader.positions()) / max(1, self._left(self._begun))

    def _left(self, positions: Mapping[Place, int]) -> int:
        return sum(max(0, end - positions[place]) for place, end in self._ends.items())


class Reading:
    """The present and what follows, read at once; the past behind it, read beside.

    Raises:
        Retry: A topic is not there yet.
        KafkaError: There is no broker.
    """

    def __init__(self, kafka: str, lookback_s: float, stack: ExitStack) -> None:
        self._live = _open(kafka, [topic.name for topic in READS], stack)
        starts = recent(self._live, time.time())
        self._present = Stretch(self._live, starts, self._live.ends)
        past = _open(kafka, [TERMINAL_EVENTS.name], stack)
        self._since_s = time.time() - lookback_s
        back = past.offsets_at(int(self._since_s * 1000))
        self._past = Stretch(past, back, {place: starts[place] for place in back})

    def poll(self) -> list[Message]:
        """Return the next records; the present goes before the past."""
        messages = self._present.poll(_POLL_S if self._past.is_read else _GLANCE_S)
        if self._present.is_read and not self._past.is_read:
            messages += self._past.poll(_POLL_S)
        return messages

    def answers(self) -> bool:
        """Say whether the log is there."""
        return self._live.answers(_ANSWER_S)

    def progress(self) -> tuple[str, bool]:
        """Say in words what has not been read yet, and whether the present has."""
        if not self._present.is_read:
            return f"Catching up with the log: {self._present.read_ratio():.0%}.", False
        if not self._past.is_read:
            since = to_rfc3339(int(self._since_s) * NS_PER_S)
            read = f"{self._past.read_ratio():.0%}"
            return (
                f"Reading back to {since}: {read}. What began earlier and still lasts may be missing on the map.",
                True,
            )
        return "", True


def _open(kafka: str, names: list[str], stack: ExitStack) -> LogReader:
    return stack.enter_context(closing(LogReader(kafka, None, names, batch_records=_BATCH_RECORDS)))


def recent(reader: LogReader, now_s: float) -> dict[Place, int]:
    """Return where to begin, so that the present is known soon; a topic that is left out is read from its beginning."""
    ends, found = reader.ends, {}
    for back_s, tail_records, names in _RECENT:
        for place, at in reader.offsets_at(int((now_s - back_s) * 1000)).items():
            if place[0] in names:
                found[place] = max(0, min(at, ends[place] - tail_records))
    return found
