"""A worker that dies at any moment loses nothing and says nothing twice that differs."""

import random

from tests.chaos.traffic import Traffic, inventory
from tests.chaos.world import World, in_memory

TERMINAL_COUNT = 4_000
SECONDS = 150


def test_a_worker_killed_five_times_says_what_one_process_says(kafka, tmp_path):
    network = inventory(TERMINAL_COUNT)
    records = [r for second in Traffic(terminal_count=TERMINAL_COUNT, seed=3).seconds(SECONDS) for r in second]
    expected, _ = in_memory(records, network)
    world = World(kafka, tmp_path)
    world.publish(network)
    world.send(records)
    worker = world.worker("worker-a")
    moments = sorted(random.Random(5).randint(1, expected.frame_count * 4 // 5) for _ in range(5))

    for moment in moments:
        worker.start()
        world.wait_for(lambda moment=moment: world.progress() >= moment)
        worker.kill()
    worker.start()
    said = world.said(expected)
    worker.stop()

    assert worker.exit_code == 0, "a worker that is asked to stop does so in time"
    assert said.rows == expected.rows
    assert said.conflict_count == expected.conflict_count == 0
    assert said.repeat_count > 0, "no kill came between an event and its snapshot"
