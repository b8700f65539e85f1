"""Everything that can happen to workers in one night, and the events are those of one process that nothing happened to."""

import random
import time

from tests.chaos.traffic import Traffic, inventory
from tests.chaos.world import World, in_memory

TERMINAL_COUNT = 20_000
SECONDS = 580
LEAST_SAMPLES = 5_000_000
SESSION_S = 6.0
EXIT_FAILED = 1
KINDS = {
    "handover", "outage_suspected", "outage_started", "outage_ended", "outage_withdrawn", "tilt_warning",
    "tilt_critical", "tilt_restored",
}  # fmt: skip


def test_the_final_events_are_those_of_one_undisturbed_process(kafka, tmp_path):
    network = inventory(TERMINAL_COUNT)
    seconds = list(Traffic(terminal_count=TERMINAL_COUNT, seed=11).seconds(SECONDS))
    records = [record for second in seconds for record in second]
    expected, counts = in_memory(records, network)
    assert counts["samples"] >= LEAST_SAMPLES
    assert expected.kinds >= KINDS
    first, second, third = (records[: len(records) // 2], records[len(records) // 2 : -len(records) // 4],
                            records[-len(records) // 4 :])  # fmt: skip
    world = World(kafka, tmp_path)
    world.publish(network)
    world.send(first)
    a, b = world.worker("worker-a"), world.worker("worker-b")

    kill_three_times(world, a, random.Random(17), expected.frame_count // 2)
    refuse_once(world, a, "events.terminal.v1")
    refuse_once(world, a, "snapshots.v1")
    a.start()
    b.start()
    world.send(second)
    freeze_beyond_the_session(world, a, expected.frame_count // 2)
    world.send(third)
    b.stop()
    said = world.said(expected)
    a.stop()

    assert said.rows == expected.rows
    assert said.conflict_count == expected.conflict_count == 0
    assert said.repeat_count > 0, "nothing was ever said again: no harm was done"


def kill_three_times(world, worker, chance, frame_count):
    """SIGKILL at random moments of a backlog."""
    for moment in sorted(chance.randint(1, frame_count * 3 // 4) for _ in range(3)):
        worker.start()
        world.wait_for(lambda moment=moment: world.progress() >= moment)
        worker.kill()


def refuse_once(world, worker, topic):
    """Have the broker refuse the next record of a topic: the worker stops and says so by its exit code."""
    world.kafka.set_topic(topic, {"max.message.bytes": "1"})
    worker.start()
    world.wait_for(lambda: not worker.is_running)
    assert worker.exit_code == EXIT_FAILED
    world.kafka.unset_topic(topic, "max.message.bytes")


def freeze_beyond_the_session(world, worker, progress):
    """SIGSTOP until the group has given its partitions away, then let it go on as if nothing had been."""
    world.wait_for(lambda: world.progress() > progress)
    worker.pause()
    time.sleep(SESSION_S + 2)
    worker.resume()
