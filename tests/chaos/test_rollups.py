"""Worker and merge die and come back, and the windows are those of one process that nothing happened to."""

import random
from collections import Counter

from ingest.contract.bus import Message
from ingest.contract.frame import decode
from streams.contract.rollups import ROLLUP_LAYOUTS, RollupHeader
from streams.contract.topics import GATEWAY_ROLLUPS, PARTIALS
from streams.knowledge import Knowledge
from streams.rollup_bench import REPLACE_EVERY_NS, RollupBench
from streams.workbench import Workbench
from tests.chaos.traffic import PARTITION_COUNT, Traffic, inventory
from tests.chaos.world import World, stepped
from tests.streams.partial_sums import final

TERMINAL_COUNT = 2_000
SECONDS = 240
EXIT_FATAL = 2


def test_wholes_are_those_of_one_undisturbed_process(kafka, tmp_path):
    network = inventory(TERMINAL_COUNT)
    records = [r for second in Traffic(terminal_count=TERMINAL_COUNT, seed=5).seconds(SECONDS) for r in second]
    expected, partial_count = in_memory(records, network)
    world = World(kafka, tmp_path)
    world.publish(network)
    world.send(records)
    worker, merge = world.worker("worker-a"), world.alone("merge")

    chance = random.Random(9)
    merge.start()
    for moment in sorted(chance.randint(1, partial_count * 2 // 3) for _ in range(3)):
        worker.start()
        world.wait_for(lambda moment=moment: world.progress(PARTIALS) >= moment)
        worker.kill()
        if merge.is_running:
            merge.kill()
        merge.start()
    worker.start()
    world.wait_for(lambda: keep_up(merge) and whole(world) == expected)
    second = world.alone("merge")
    second.start()
    world.wait_for(lambda: not second.is_running)
    merge.stop()
    worker.stop()

    said = [decode(record.value, ROLLUP_LAYOUTS, RollupHeader).header for record in world.read(GATEWAY_ROLLUPS)]
    assert second.exit_code == EXIT_FATAL, "there is one merge"
    assert max(Counter((header.window_start_ns, header.revision) for header in said).values()) == 1
    assert max(header.revision for header in said) > 1
    assert world.progress(PARTIALS) > partial_count, "no partial was ever said again: no harm was done"


def whole(world):
    return final(record.value for record in world.read(GATEWAY_ROLLUPS))


def keep_up(merge):
    """Start it again, as a supervisor would: until the dead one's session is over, its seat is taken."""
    if not merge.is_running:
        merge.start()
    return merge.is_running


def in_memory(records, network):
    """Return the final windows of one process, and how many partials they are made of."""
    knowledge = Knowledge(inventory=network)
    workbench = Workbench(partition_count=PARTITION_COUNT, knowledge=lambda: knowledge)
    bench, partial_count = RollupBench(), 0
    for out in stepped(workbench, records):
        if out.topic == PARTIALS:
            bench.handle(
                Message(topic=PARTIALS.name, partition=0, offset=0, key=out.key, value=out.value, timestamp_ms=0)
            )
            partial_count += 1
    said = [*bench.advance(0), *bench.advance(REPLACE_EVERY_NS)]
    return final(record.value for record in said), partial_count
