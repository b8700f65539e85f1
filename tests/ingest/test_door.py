"""Every status the door gives, and that it goes on after each."""

import asyncio
import json
from hashlib import sha256

import pytest

from ingest.contract.bus import Fatal, Retry
from ingest.contract.frame import TelemetryHeader, decode
from ingest.contract.instants import NS_PER_S, to_rfc3339
from ingest.contract.packing import Versions
from ingest.contract.telemetry import LAYOUTS
from ingest.contract.topics import INGEST_DEADLETTER, TERMINAL_TELEMETRY
from ingest.door import LETTERS_A_REQUEST, Door
from ingest.feed import News
from ingest.metrics import Metrics
from ingest.settings import Settings
from ingest.tokens import Tokens
from tests.ingest.asgi import Chunks, call
from tests.make import inventory

NOW_NS = 1_759_449_600 * NS_PER_S
AUTHORIZED = {"authorization": "Bearer secret"}
TOKENS = Tokens({
    sha256(b"secret").hexdigest(): "tenant-0",
    sha256(b"nobody").hexdigest(): "tenant-9",
})  # fmt: skip


class Kafka:
    """A writer that keeps what it acknowledged, and may be away."""

    def __init__(self):
        self.safe, self._sent = [], []
        self.failure = None
        self.flush_count = 0
        self.meanwhile = lambda: None

    def send(self, topic, *, key, value, partition=0, headers=()):
        self._sent.append((topic, key, value, dict(headers)))

    def flush(self):
        self.flush_count += 1
        self.meanwhile()
        sent, self._sent = self._sent, []
        if self.failure is not None:
            raise self.failure
        self.safe += sent

    def close(self):
        pass

    def frames(self, kind="terminal"):
        values = [value for topic, _, value, _ in self.safe if topic is TERMINAL_TELEMETRY]
        return [f for f in (decode(v, LAYOUTS, TelemetryHeader) for v in values) if f.header.kind == kind]

    def letters(self):
        return [(value, headers) for topic, _, value, headers in self.safe if topic is INGEST_DEADLETTER]


class House:
    """A door whose clock and Kafka the test holds."""

    def __init__(self, **settings):
        self.kafka, self.now_ns = Kafka(), NOW_NS
        asked = {"linger_s": 0.0, "kafka_timeout_s": 1.0, **settings}
        self.door = Door(Settings(**asked), TOKENS, Metrics(), lambda: self.kafka, lambda: self.now_ns)
        self.app = self.door.app(lambda: lambda: None)

    def learn(self, version=1, count=4, shard_count=2, partition_count=2):
        stock = inventory(count, shard_count=shard_count, version=version)
        self.door.hear(News(stock, Versions(inventory=version), partition_count))

    async def post(self, *samples, headers=AUTHORIZED, body=None):
        raw = json.dumps({"samples": samples}).encode() if body is None else body
        return await call(self.app, "POST", "/v1/samples", [raw], headers)

    async def get(self, path):
        return await call(self.app, "GET", path)

    async def page(self):
        return (await self.get("/metrics")).body.decode()


def run(scenario, *, known=True, **settings):
    async def main():
        house = House(**settings)
        if known:
            house.learn()
        try:
            return await scenario(house)
        finally:
            house.kafka.failure = None
            await house.door.close()

    return asyncio.run(main())


def sample(sequence=1, **fields):
    return {
        "terminal_id": "t1", "boot_count": 1, "sequence": sequence, "observed_at": to_rfc3339(NOW_NS),
        "state": "connected", **fields,
    }  # fmt: skip


def test_what_is_acknowledged_is_safe_already():
    async def scenario(house):
        answer = await house.post(sample(1), sample(2, terminal_id="t2"))
        return answer, [f.columns["sequence"].tolist() for f in house.kafka.frames() if f.rows]

    answer, sequences = run(scenario)
    assert (answer.status, json.loads(answer.body)) == (200, {"accepted": 2, "rejected": []})
    assert sorted(sequences) == [[1], [2]]


def test_what_several_callers_send_at_once_shares_a_frame_and_a_flush():
    async def scenario(house):
        await house.post(sample(0))
        before_count = house.kafka.flush_count
        answers = await asyncio.gather(*(house.post(sample(n)) for n in range(1, 6)))
        frames = [f.columns["sequence"].tolist() for f in house.kafka.frames() if f.rows]
        return [a.status for a in answers], frames[-1], house.kafka.flush_count - before_count

    statuses, last, flush_count = run(scenario, linger_s=0.05)
    assert (statuses, last, flush_count) == ([200] * 5, [1, 2, 3, 4, 5], 1)


def test_old_samples_go_as_stored():
    async def scenario(house):
        await house.post(sample(1), sample(2, observed_at=to_rfc3339(NOW_NS - 31 * NS_PER_S)))
        return [(f.header.stored, f.columns["sequence"].tolist()) for f in house.kafka.frames() if f.rows]

    assert sorted(run(scenario)) == [(False, [1]), (True, [2])]


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "Basic secret", "secret", "Bearer nobody", "Bearer \xff"]
)
def test_a_stranger_gets_401_and_files_no_dead_letter(header):
    async def scenario(house):
        answer = await house.post("no sample", headers={"authorization": header} if header else {})
        return answer, house.kafka.letters()

    answer, letters = run(scenario)
    assert (answer.status, answer.headers["www-authenticate"], letters) == (401, "Bearer", [])


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"samples": [{"snr_db": NaN}]}', b"\xff\xfe", b"\0" * 100])
def test_a_body_that_is_no_batch_gets_400_a_dead_letter_and_a_counter(body):
    async def scenario(house):
        answer = await house.post(body=body)
        return answer, house.kafka.letters(), await house.page(), await house.post(sample())

    answer, letters, page, after = run(scenario)
    assert (answer.status, json.loads(answer.body)["reason"]) == (400, "unparseable")
    assert [(value, headers["reason"]) for value, headers in letters] == [(body, b"unparseable")]
    assert 'leo_ingest_bodies_rejected_total{reason="unparseable"} 1.0' in page
    assert after.status == 200


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"terminal_id": "stranger"}, "unknown_terminal"),
        ({"terminal_id": 5}, "wrong_type"),
        ({"tilt_angle_deg": 181}, "out_of_range"),
        ({"observed_at": to_rfc3339(NOW_NS + 7200 * NS_PER_S)}, "clock_ahead"),
    ],
)
def test_a_bad_sample_is_named_filed_as_it_came_and_counted_while_its_neighbour_passes(fields, reason):
    async def scenario(house):
        answer = await house.post(sample(1), sample(2, **fields))
        return answer, house.kafka.letters(), await house.page()

    answer, letters, page = run(scenario)
    found = json.loads(answer.body)
    assert (answer.status, found["accepted"]) == (200, 1)
    assert [(r["index"], r["reason"]) for r in found["rejected"]] == [(1, reason)]
    assert {"index", "field", "reason", "detail"} == set(found["rejected"][0])
    assert [json.loads(value)["sequence"] for value, _ in letters] == [2]
    assert letters[0][1]["reason"].decode() == reason
    assert f'leo_ingest_samples_rejected_total{{reason="{reason}"}} 1.0' in page


def test_a_flood_of_bad_samples_is_answered_whole_and_filed_in_part():
    async def scenario(house):
        answer = await house.post(*[1] * (LETTERS_A_REQUEST + 5))
        return answer, house.kafka.letters(), await house.page()

    answer, letters, page = run(scenario)
    assert len(json.loads(answer.body)["rejected"]) == LETTERS_A_REQUEST + 5
    assert len(letters) == LETTERS_A_REQUEST
    assert "leo_ingest_dead_letters_withheld_total 5.0" in page


def test_a_body_of_more_samples_than_it_can_hold_gets_413():
    async def scenario(house):
        return await house.post(body=b'{"samples":[' + b",".join([b"1"] * 70_000) + b"]}")

    assert run(scenario).status == 413


def test_fifty_megabytes_without_a_length_are_read_no_further_than_the_limit():
    async def scenario(house):
        chunks = Chunks(b" " * 1_000_000 for _ in range(50))
        answer = await call(house.app, "POST", "/v1/samples", chunks, AUTHORIZED)
        return answer, chunks.read_count, (await house.post(sample())).status

    answer, read_count, after = run(scenario)
    assert (answer.status, answer.headers["connection"], read_count, after) == (413, "close", 9, 200)


def test_fifty_megabytes_that_say_so_are_not_read_at_all():
    async def scenario(house):
        chunks = Chunks(b" " * 1_000_000 for _ in range(50))
        headers = {**AUTHORIZED, "content-length": "50000000"}
        answer = await call(house.app, "POST", "/v1/samples", chunks, headers)
        return answer.status, chunks.read_count

    assert run(scenario) == (413, 0)


def test_bodies_together_have_a_limit_and_their_room_comes_back():
    async def scenario(house):
        waits = asyncio.Event()
        slow = Chunks([b" " * 60, waits.wait()])
        first = asyncio.create_task(call(house.app, "POST", "/v1/samples", slow, AUTHORIZED))
        await asyncio.sleep(0)
        second = await house.post(body=b" " * 60)
        waits.set()
        await first
        return second, [(await house.post(body=b" " * 60)).status for _ in range(2)]

    second, later = run(scenario, bodies_limit_bytes=100)
    assert (second.status, second.headers["retry-after"], later) == (503, "2", [400, 400])


def test_a_body_that_does_not_come_gets_408_and_its_room_comes_back():
    async def scenario(house):
        slow = Chunks([b" " * 60, asyncio.Event().wait()])
        answer = await call(house.app, "POST", "/v1/samples", slow, AUTHORIZED)
        return answer.status, (await house.post(body=b" " * 60)).status

    assert run(scenario, body_timeout_s=0.02, bodies_limit_bytes=100) == (408, 400)


def test_a_tenant_over_its_rate_gets_429_and_when_to_come_back():
    async def scenario(house):
        first = await house.post(*[sample(n) for n in range(30)])
        second = await house.post(sample(31))
        house.now_ns += 3 * NS_PER_S
        return first.status, second, (await house.post(sample(32))).status

    first, second, third = run(scenario, samples_per_s=10, burst_samples=10)
    assert (first, second.status, second.headers["retry-after"], third) == (200, 429, "2", 200)


@pytest.mark.parametrize("failure", [Retry("kafka: away"), Fatal("over the limit"), KeyError("ours")])
def test_what_kafka_does_not_hold_gets_503_and_the_lane_goes_on(failure):
    async def scenario(house):
        await house.post(sample(1))
        house.kafka.failure = failure
        answer = await house.post(sample(2))
        ready = (await house.get("/readyz")).status
        again = await house.post(sample(2))
        flush_count = house.kafka.flush_count
        house.kafka.failure = None
        house.door._known.lane.is_away = False
        after = await house.post(sample(3))
        return answer, ready, again.status, flush_count, after.status, await house.page()

    answer, ready, again, _, after, page = run(scenario)
    assert (answer.status, answer.headers["retry-after"], ready, again, after) == (503, "2", 503, 503, 200)
    assert "leo_ingest_failed_writes_total 1.0" in page
    assert 'leo_ingest_samples_accepted_total{kind="live"} 2.0' in page


def test_a_full_lane_gets_503():
    async def scenario(house):
        first = asyncio.create_task(house.post(sample(1), sample(2)))
        await asyncio.sleep(0.01)
        second = await house.post(sample(3))
        return (await first).status, second.status

    assert run(scenario, linger_s=0.2, waiting_rows=2) == (200, 503)


def test_before_there_is_an_inventory_the_door_is_alive_and_not_ready():
    async def scenario(house):
        early = await house.post(sample())
        states = [(await house.get(path)).status for path in ("/healthz", "/readyz")]
        house.learn()
        return early, states, (await house.get("/readyz")).status, (await house.post(sample())).status

    early, states, ready, late = run(scenario, known=False)
    assert (early.status, early.headers["retry-after"]) == (503, "2")
    assert (states, ready, late) == ([200, 503], 200, 200)


def test_a_new_inventory_is_said_once_in_every_shard_and_named_from_then_on():
    async def scenario(house):
        await house.post(sample(1))
        house.learn(version=2, count=5)
        answer = await house.post(sample(1, terminal_id="t4"))
        house.learn(version=2, count=5)
        await house.post(sample(2))
        return answer, house.kafka

    answer, kafka = run(scenario)
    told = [(f.header.inventory_version, f.header.shard) for f in kafka.frames("control")]
    assert json.loads(answer.body)["accepted"] == 1
    assert sorted(told) == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert [f.header.inventory_version for f in kafka.frames() if f.rows] == [1, 2, 2]


def test_a_control_frame_that_kafka_refused_is_said_later():
    async def scenario(house):
        await house.post(sample(1))
        house.kafka.failure = Retry("kafka: away")
        house.learn(version=2)
        await house.post(sample(2))
        house.kafka.failure = None
        house.door._known.lane.is_away = False
        await house.post(sample(3))
        return house.kafka

    told = [f.header.inventory_version for f in run(scenario).frames("control")]
    assert told == [1, 1, 2, 2]


def test_what_takes_effect_while_a_write_is_under_way_is_said_by_the_next():
    async def scenario(house):
        loop = asyncio.get_running_loop()

        async def learn():
            house.learn(version=2)

        def news_comes():
            house.kafka.meanwhile = lambda: None
            asyncio.run_coroutine_threadsafe(learn(), loop).result(5)

        house.kafka.meanwhile = news_comes
        await house.post(sample(1))
        await house.post(sample(2))
        return house.kafka

    told = [f.header.inventory_version for f in run(scenario).frames("control")]
    assert told == [1, 1, 2, 2]


@pytest.mark.parametrize("change", [{"shard_count": 4}, {"shard_count": 1}])
def test_another_shard_count_halts_the_door(change):
    async def scenario(house):
        with pytest.raises(Fatal, match="shard_count went from 2"):
            house.learn(version=2, **change)

    run(scenario)


def test_a_shard_count_that_the_partitions_do_not_divide_halts_the_door():
    async def scenario(house):
        with pytest.raises(Fatal, match="no multiple"):
            house.learn(partition_count=3)

    run(scenario, known=False)


def test_a_door_that_closes_takes_leave_of_every_shard():
    async def scenario(house):
        await house.post(sample(1))
        return house.kafka

    leaving = [f.header for f in run(scenario).frames() if f.header.goodbye]
    assert sorted(h.shard for h in leaving) == [0, 1]
