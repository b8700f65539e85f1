"""What is sent and not yet acknowledged; what is refused."""

import asyncio

import pytest

from streams.contract.topics import TERMINAL_EVENTS
from streams.metrics import Metrics
from streams.outbox import Outbox


class Broker:
    """Acknowledges when told."""

    def __init__(self):
        self.deliveries = []

    async def send(self, topic, key, value, partition, headers):
        self.deliveries.append(asyncio.get_running_loop().create_future())
        return self.deliveries[-1]


def outbox(broker, halted, metrics=None):
    return Outbox(send=broker.send, halt=halted.append, metrics=metrics or Metrics())


async def put(box, source):
    return await box.put(TERMINAL_EVENTS, key=b"k", value=b"v", partition=source, source=source)


def test_delivered_waits_for_everything_made_of_that_partition_and_of_no_other():
    async def story():
        broker, halted = Broker(), []
        box = outbox(broker, halted)
        for source in (0, 0, 1):
            await put(box, source)
        waiting = asyncio.create_task(box.delivered(0))
        broker.deliveries[0].set_result(None)
        await asyncio.sleep(0)
        assert not waiting.done()
        broker.deliveries[1].set_result(None)
        await waiting

    asyncio.run(story())


def test_delivered_returns_at_once_when_nothing_is_under_way():
    asyncio.run(asyncio.wait_for(outbox(Broker(), []).delivered(0), 1))


def test_an_acknowledged_record_is_counted_by_topic():
    metrics = Metrics()

    async def story():
        broker = Broker()
        await put(outbox(broker, [], metrics), 0)
        broker.deliveries[0].set_result(None)
        await asyncio.sleep(0)

    asyncio.run(story())
    assert metrics.registry.get_sample_value(
        "leo_streams_records_sent_total", {"topic": TERMINAL_EVENTS.name}
    ) == pytest.approx(1)


def test_a_record_the_broker_refuses_halts_the_worker():
    refusal = ValueError("too large")

    async def story():
        broker, halted = Broker(), []
        await put(outbox(broker, halted), 0)
        broker.deliveries[0].set_exception(refusal)
        await asyncio.sleep(0)
        assert halted == [refusal]

    asyncio.run(story())


def test_a_record_the_producer_refuses_halts_the_worker():
    refusal = ValueError("too large for one request")

    class Refusing(Broker):
        async def send(self, *_):
            raise refusal

    async def story():
        halted = []
        with pytest.raises(ValueError, match="too large"):
            await put(outbox(Refusing(), halted), 0)
        assert halted == [refusal]

    asyncio.run(story())
