"""A replay writes beside the live topics, under names that cannot be mistaken for them."""

import pytest

from streams.contract.topics import (
    INCIDENTS,
    STREAMS_TOPICS,
    TERMINAL_EVENTS,
    replay_topic,
    replayed,
)


def test_a_replay_has_a_topic_of_its_own_for_each_and_keeps_it_a_day():
    topic = replay_topic(INCIDENTS, "storm-2")

    assert topic.name == "replay.storm-2.incidents.v1"
    assert topic.config() == {"cleanup.policy": "delete", "retention.ms": "86400000"}
    assert topic.spread is INCIDENTS.spread


@pytest.mark.parametrize("topic", STREAMS_TOPICS, ids=lambda topic: topic.name)
def test_what_a_replays_topic_repeats_is_told_by_its_name(topic):
    assert replayed(replay_topic(topic, "r1").name) == topic.name
    assert replayed(topic.name) == topic.name


@pytest.mark.parametrize("replay", ["", "a.b", "UPPER", "-a", "a" * 65, "a\n"])
def test_an_id_that_could_be_mistaken_is_refused(replay):
    with pytest.raises(ValueError, match="replay id"):
        replay_topic(TERMINAL_EVENTS, replay)
