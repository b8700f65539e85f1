"""A seat that one process of a deployment holds: membership of a consumer group says that it is taken."""

import time
from typing import Any

from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.errors import CoordinatorNotAvailableError

from ingest.contract.bus import Fatal
from ingest.contract.topics import Topic
from streams.settings import Settings

_COORDINATOR_WAIT_S = 30.0


class Seat:
    """Taken until it is left, or until its holder dies and the session ends.

    Args:
        settings: Brokers and session.
        group: The seat's name.
        topic: A topic that is there; nothing is read from it.

    Raises:
        Fatal: Somebody holds it.
    """

    def __init__(self, settings: Settings, group: str, topic: Topic) -> None:
        _refuse_company(settings.kafka, group)
        self._claim = KafkaConsumer(
            topic.name, bootstrap_servers=settings.kafka, group_id=group, enable_auto_commit=False,
            session_timeout_ms=int(settings.session_timeout_s * 1000),
            heartbeat_interval_ms=int(settings.heartbeat_s * 1000),
        )  # fmt: skip

    def hold(self) -> None:
        """Stay: to be called at each turn."""
        self._claim.poll(timeout_ms=0)

    def leave(self) -> None:
        """Make room for the next one."""
        self._claim.close()


def _refuse_company(bootstrap: str, group: str) -> None:
    groups = _describe(bootstrap, group)
    members = sum(len(found["members"]) for found in (groups.values() if isinstance(groups, dict) else groups))
    if members:
        raise Fatal(f"another one is at work (group {group} has {members} member): stop it first")


def _describe(bootstrap: str, group: str) -> Any:
    """Ask who is in the group; a broker that has never had one needs a moment to find its coordinator."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    deadline_s = time.monotonic() + _COORDINATOR_WAIT_S
    try:
        while True:
            try:
                return admin.describe_groups([group])
            except CoordinatorNotAvailableError:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(0.2)
    finally:
        admin.close()
