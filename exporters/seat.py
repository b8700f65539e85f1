"""The seat of a sink: one exporter holds it, another stands by, since two would tell the destination everything twice.

It is membership of a group of its own; the group under which a sink commits cannot say it, for its partitions are assigned
by hand.
"""

import time
from contextlib import ExitStack, closing, suppress
from typing import Any

from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from exporters.contract.topics import EXPORTERS_DEADLETTER
from ingest.contract.bus import Retry

# Who was killed is missed after so long: the wait of the one that is started in its place.
SESSION_S = 10.0
_JOIN_S = 30.0
_LOOK_EVERY_S = 5.0
# A destination may be away for days while the seat is held.
_NEVER_MS = 2**31 - 1


class Seat:
    """Held until it is left, or until its holder dies and the session ends.

    Raises:
        Retry: Somebody holds it, or there is no broker.
    """

    def __init__(self, bootstrap: str, name: str) -> None:
        self._name = name
        self._looked_at_s = time.monotonic()
        with ExitStack() as opened:
            try:
                self._admin = opened.enter_context(closing(KafkaAdminClient(bootstrap_servers=bootstrap)))
                self._refuse_company(0)
                self._claim = opened.enter_context(closing(_claim(bootstrap, name)))
                self._join()
                self._refuse_company(1)  # two that come at the same moment both stand up again
            except KafkaError as error:
                raise Retry(f"kafka: {bootstrap}: {error}") from error
            self._opened = opened.pop_all()

    def hold(self) -> None:
        """Stay: to be called at each turn, and while a destination is waited for.

        Raises:
            Retry: We were away for longer than a session and somebody has sat down meanwhile.
        """
        self._claim.poll(timeout_ms=0)
        if time.monotonic() - self._looked_at_s > _LOOK_EVERY_S:
            self._looked_at_s = time.monotonic()
            with suppress(KafkaError):  # the broker is away, and so is everybody else's seat
                self._refuse_company(1)

    def leave(self) -> None:
        """Make room for the next one."""
        self._opened.close()

    def _join(self) -> None:
        deadline_s = time.monotonic() + _JOIN_S
        while not self._claim.assignment():
            if time.monotonic() > deadline_s:
                raise Retry(f"group {self._name} does not let us in")
            self._claim.poll(timeout_ms=100)
        self._claim.pause(*self._claim.assignment())  # nothing is read here

    def _refuse_company(self, ours: int) -> None:
        groups: Any = self._admin.describe_groups([self._name])
        members = sum(len(found["members"]) for found in groups.values())
        if members > ours:
            raise Retry(f"another exporter of this sink is at work (group {self._name})")


def _claim(bootstrap: str, name: str) -> KafkaConsumer:
    return KafkaConsumer(
        EXPORTERS_DEADLETTER.name, bootstrap_servers=bootstrap, group_id=name, enable_auto_commit=False,
        session_timeout_ms=int(SESSION_S * 1000), max_poll_interval_ms=_NEVER_MS,
    )  # fmt: skip
