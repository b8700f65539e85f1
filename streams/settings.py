"""The workshop's settings, from `STREAMS_*` in the environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What one worker needs to know."""

    model_config = SettingsConfigDict(env_prefix="STREAMS_", frozen=True)

    kafka: str = Field(default="127.0.0.1:9092", description="Brokers, host:port, comma separated.")
    group: str = Field(default="leowatch-streams", description="Consumer group of all workers of a deployment.")
    instance: str = Field(
        default="worker-0",
        description="This worker's slot: a stable name, so that a restart in place moves no partition.",
    )
    session_timeout_s: float = Field(
        default=10.0, gt=0, description="A worker that is silent for so long loses its partitions."
    )
    heartbeat_s: float = Field(default=3.0, gt=0, description="A third of the session, as Kafka asks.")
    snapshot_every_s: float = Field(
        default=30.0, gt=0, description="Of a shard's own clock; bounds what a restart reads again."
    )
    snapshot_every_bytes: int = Field(
        default=512_000_000,
        ge=1,
        description="Of frames, all shards together; the other bound: 9 M samples are 6 s of work (docs/decisions/0008).",
    )
    queue_frames: int = Field(
        default=256,
        ge=1,
        description="Frames that wait inside the worker: 16 halves the rate, 4096 hold 672 MB (measured).",
    )
    delivery_timeout_s: float = Field(
        default=60.0, gt=0, description="A send that the broker has not taken by then stops us."
    )
    metrics_host: str = Field(default="127.0.0.1", description="Where the worker's own metrics are served.")
    metrics_port: int = Field(default=9301, ge=0, le=65_535, description="0 serves none.")
    log_level: str = Field(default="warning", description="Of the engine and its clients.")
