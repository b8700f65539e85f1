"""The door: JSON over HTTP in, frames on Kafka out; a caller hears 200 only once Kafka holds what it sent.

POST /v1/samples   -> who? -> how much? -> read -> gate -> lane -> 200 {accepted, rejected: [...]}
GET /healthz       alive
GET /readyz        has an inventory, and Kafka acknowledges
GET /metrics       leo_ingest_*
"""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ingest.bodies import Bodies, BodiesFullError, BodySlowError, BodyTooLargeError
from ingest.contract.bus import Fatal, Retry
from ingest.contract.dead_letter import Origin, dead_letter
from ingest.contract.frame import Rejected, RejectReason
from ingest.contract.inventory import Inventory
from ingest.contract.packing import Packer, Record
from ingest.contract.topics import INGEST_DEADLETTER
from ingest.feed import News
from ingest.gate import Gate, Passed, texts_of
from ingest.lane import ClosingWriter, Lane
from ingest.metrics import Metrics
from ingest.rate import Allowance
from ingest.settings import Settings
from ingest.tokens import Tokens

# Where a dead letter came from, when it never was on a topic.
ORIGIN = Origin(topic="http:/v1/samples")
# A broken sender files so many of a request's samples; the rest are in its answer and in the counters.
LETTERS_A_REQUEST = 1_000
# A larger body is checked in a thread, so that others are heard meanwhile.
_LARGE_BYTES = 64 * 1024
_RETRY_AFTER_S = 2


@dataclass(frozen=True, slots=True)
class _Known:
    """What the inventory says, made ready."""

    gate: Gate
    tenants: dict[str, int]
    lane: Lane
    inventory: Inventory


class Door:
    """Answers callers.

    Args:
        settings: Limits and times.
        tokens: Who is who.
        metrics: What is counted.
        writer: Opens Kafka.
        now_ns: The door's clock.
    """

    def __init__(
        self,
        settings: Settings,
        tokens: Tokens,
        metrics: Metrics,
        writer: Callable[[], ClosingWriter],
        now_ns: Callable[[], int],
    ) -> None:
        self._settings, self._tokens, self.metrics = settings, tokens, metrics
        self._writer, self._now_ns = writer, now_ns
        self._allowance = Allowance(samples_per_s=settings.samples_per_s, burst_samples=settings.burst_samples)
        self._bodies = Bodies(
            limit_bytes=settings.body_limit_bytes,
            room_bytes=settings.bodies_limit_bytes,
            within_s=settings.body_timeout_s,
        )
        self._known: _Known | None = None
        self._running: asyncio.Task[None] | None = None

    def hear(self, news: News) -> None:
        """Take up what is in force from now on; call it in the event loop.

        Raises:
            Fatal: The shard count has changed, or does not fit the topic.
        """
        inventory, known = news.inventory, self._known
        if known is not None and known.inventory.shard_count != inventory.shard_count:
            change = f"from {known.inventory.shard_count} to {inventory.shard_count}"
            raise Fatal(f"shard_count went {change}: it is fixed for a deployment's life")
        lane = known.lane if known else self._new_lane(news)
        lane.announce(news.versions)
        if known is None or known.inventory is not inventory:
            tenants = {tenant.tenant_id: tenant.tenant_index for tenant in inventory.tenants}
            self._known = _Known(Gate(inventory), tenants, lane, inventory)
            self.metrics.inventory_version.set(inventory.version)

    def _new_lane(self, news: News) -> Lane:
        try:
            packer = Packer(
                producer_id=self._settings.producer_id,
                shard_count=news.inventory.shard_count,
                partition_count=news.partition_count,
            )
        except ValueError as error:
            raise Fatal(str(error)) from error
        lane = Lane(
            packer,
            self._writer,
            self.metrics,
            now_ns=self._now_ns,
            linger_s=self._settings.linger_s,
            batch_rows=self._settings.batch_rows,
            waiting_rows=self._settings.waiting_rows,
        )
        self._running = asyncio.create_task(lane.run())
        return lane

    async def close(self) -> None:
        """Write what waits, and take leave of every shard."""
        if self._known is not None and self._running is not None:
            self._known.lane.stop()
            await self._running

    async def samples(self, request: Request) -> Response:
        """Answer POST /v1/samples."""
        tenant_id = self._tokens.tenant_of(request.headers.get("authorization"))
        if tenant_id is None:
            return self._refuse(401, "unauthorised", "send 'Authorization: Bearer TOKEN'")
        at_ns = self._now_ns()
        wait_s = self._allowance.wait_s(tenant_id, at_ns)
        if wait_s > 0:
            detail = f"over {self._settings.samples_per_s:g} samples/s"
            return self._refuse(429, RejectReason.RATE_LIMITED.value, detail, retry_after_s=wait_s)
        known = self._known
        if known is None:
            return self._refuse(
                503, "no_inventory", "Kafka or the inventory is not there yet: send it again", _RETRY_AFTER_S
            )
        tenant_index = known.tenants.get(tenant_id)
        if tenant_index is None:
            return self._refuse(401, "unauthorised", f"the inventory has no tenant {tenant_id}: apply it first")
        try:
            body = await self._bodies.read(request.stream(), _declared_bytes(request))
        except BodyTooLargeError:
            detail = f"over {self._settings.body_limit_bytes} bytes: send several batches"
            return self._refuse(413, RejectReason.TOO_LARGE.value, detail)
        except (BodySlowError, ClientDisconnect):
            return self._refuse(408, "slow", f"the body has not come in {self._settings.body_timeout_s:g} s")
        except BodiesFullError:
            return self._refuse(503, "busy", "too much is being sent at once: send it again", _RETRY_AFTER_S)
        try:
            return await self._admit(known, tenant_id, tenant_index, body)
        finally:
            self._bodies.free(len(body))

    async def _admit(self, known: _Known, tenant_id: str, tenant_index: int, body: bytes) -> Response:
        received_at_ns = self._now_ns()

        def check() -> Passed | Rejected:
            return known.gate.admit(body, received_at_ns=received_at_ns, tenant_index=tenant_index)

        passed = await asyncio.to_thread(check) if len(body) > _LARGE_BYTES else check()
        if isinstance(passed, Rejected):
            self._allowance.charge(tenant_id, 1, received_at_ns)
            return await self._refuse_body(known, tenant_id, body, passed, received_at_ns)
        self._allowance.charge(tenant_id, passed.accepted_count + len(passed.rejected), received_at_ns)
        letters = self._letters(tenant_id, body, passed, received_at_ns)
        try:
            await self._put(known.lane, passed, letters)
        except (Retry, TimeoutError) as error:
            detail = f"{error or 'kafka: not acknowledged in time'}; send it again: what is there already is dropped"
            return self._refuse(503, "kafka_away", detail, _RETRY_AFTER_S)
        self._count(passed)
        return _json(200, {"accepted": passed.accepted_count, "rejected": [_answer(r) for r in passed.rejected]})

    async def _refuse_body(
        self, known: _Known, tenant_id: str, body: bytes, rejected: Rejected, at_ns: int
    ) -> Response:
        status = 413 if rejected.reason is RejectReason.TOO_LARGE else 400
        try:
            nothing = Passed(live={}, stored={}, rejected=(), accepted_count=0)
            await self._put(known.lane, nothing, [_letter(tenant_id, body, rejected, at_ns)])
        except (Retry, TimeoutError):
            # It stays unreadable whether or not we could file it.
            self.metrics.withheld.inc()
        return self._refuse(status, rejected.reason.value, rejected.detail)

    async def _put(self, lane: Lane, passed: Passed, letters: list[Record]) -> None:
        if passed.accepted_count or letters:
            # A write may be under way before ours.
            await asyncio.wait_for(lane.put(passed.live, passed.stored, letters), 2 * self._settings.kafka_timeout_s)

    def _letters(self, tenant_id: str, body: bytes, passed: Passed, at_ns: int) -> list[Record]:
        if not passed.rejected:
            return []
        texts = texts_of(body)
        self.metrics.withheld.inc(max(0, len(passed.rejected) - LETTERS_A_REQUEST))
        return [
            _letter(tenant_id, texts[rejected.index or 0], rejected, at_ns)
            for rejected in passed.rejected[:LETTERS_A_REQUEST]
        ]

    def _count(self, passed: Passed) -> None:
        stored_count = len(passed.stored.get("terminal_index", ()))
        self.metrics.requests.labels("accepted").inc()
        self.metrics.accepted.labels("live").inc(passed.accepted_count - stored_count)
        self.metrics.accepted.labels("stored").inc(stored_count)
        for reason, count in Counter(rejected.reason.value for rejected in passed.rejected).items():
            self.metrics.rejected.labels(reason).inc(count)

    def _refuse(self, status: int, reason: str, detail: str, retry_after_s: float | None = None) -> Response:
        self.metrics.requests.labels(reason).inc()
        if status in {400, 413}:
            self.metrics.bodies_rejected.labels(reason).inc()
        # What was not read is not read any more, either.
        headers = {} if status == 400 else {"connection": "close"}
        if retry_after_s is not None:
            headers["retry-after"] = str(max(1, math.ceil(retry_after_s)))
        if status == 401:
            headers["www-authenticate"] = "Bearer"
        return _json(status, {"reason": reason, "detail": detail}, headers)

    async def healthz(self, _: Request) -> Response:
        """Answer GET /healthz."""
        return PlainTextResponse("alive\n")

    async def readyz(self, _: Request) -> Response:
        """Answer GET /readyz."""
        if self._known is None:
            return PlainTextResponse("no inventory yet: apply one, or see whether Kafka is there\n", 503)
        if self._known.lane.is_away:
            return PlainTextResponse("Kafka does not acknowledge\n", 503)
        return PlainTextResponse("ready\n")

    async def scrape(self, _: Request) -> Response:
        """Answer GET /metrics."""
        return Response(self.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    def app(self, follow: Callable[[], Callable[[], None]]) -> Starlette:
        """Return the application.

        Args:
            follow: Called once the event loop runs, to have `hear` called; returns what stops that.
        """

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            leave = follow()
            yield
            await asyncio.to_thread(leave)
            await self.close()

        routes = [
            Route("/v1/samples", self.samples, methods=["POST"]),
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.scrape),
        ]
        return Starlette(routes=routes, lifespan=lifespan)


def _declared_bytes(request: Request) -> int | None:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isdecimal() else None


def _letter(tenant_id: str, text: bytes, rejected: Rejected, at_ns: int) -> Record:
    value, headers = dead_letter(text, rejected, ORIGIN, at_ns)
    return Record(topic=INGEST_DEADLETTER, key=tenant_id.encode(), value=value, headers=tuple(headers))


def _answer(rejected: Rejected) -> dict[str, Any]:
    return {
        "index": rejected.index,
        "field": rejected.field,
        "reason": rejected.reason.value,
        "detail": rejected.detail,
    }


def _json(status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, headers, "application/json")
