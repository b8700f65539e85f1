"""A run played onto a bus, as fast as asked: a door of its own, which writes what it says in the order it says it."""

from collections.abc import Callable

from ingest.contract.bus import Writer
from ingest.contract.instants import NS_PER_S
from ingest.contract.packing import Record, inventory_records
from simulators.sky import Second, Sky


def play(
    sky: Sky,
    writer: Writer,
    *,
    speed_ratio: float,
    monotonic_s: Callable[[], float],
    sleep_s: Callable[[float], None],
    heard: Callable[[Second], None] = lambda _: None,
) -> None:
    """Write the inventory, then second after second; each is safe on the bus before the next begins.

    Args:
        sky: The run.
        writer: The bus.
        speed_ratio: Simulated seconds in a second; 0 is as fast as possible. A bus that is slower is waited for.
        monotonic_s: Reads a clock.
        sleep_s: Waits.
        heard: Is told of each second once it is safe.

    Raises:
        Retry: The bus is away; the run cannot go on, since a second may have been written in part.
    """
    _write(writer, inventory_records(sky.inventory))
    began_s, first_at_ns = monotonic_s(), sky.settings.first_at_ns
    for second in sky:
        _write(writer, second.records)
        heard(second)
        if speed_ratio > 0:
            due_s = began_s + (second.at_ns - first_at_ns + NS_PER_S) / NS_PER_S / speed_ratio
            sleep_s(max(0.0, due_s - monotonic_s()))


def _write(writer: Writer, records: list[Record]) -> None:
    for record in records:
        writer.send(
            record.topic, key=record.key, value=record.value, partition=record.partition, headers=record.headers
        )
    writer.flush()
