"""The door's settings, from `INGEST_*` in the environment."""

import socket
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What the door needs to know. It holds no secret: the token file has hashes alone."""

    model_config = SettingsConfigDict(env_prefix="INGEST_", frozen=True)

    kafka: str = Field(default="127.0.0.1:9092", description="Brokers, host:port, comma separated.")
    host: str = Field(default="127.0.0.1", description="Where the door listens; another address needs TLS before it.")
    port: int = Field(default=8460, ge=0, le=65_535, description="0 takes a free one.")
    tokens: Path = Field(default=Path("tokens.json"), description="JSON: SHA-256 of a token in hex to tenant id.")
    producer_id: str = Field(
        default_factory=lambda: f"door-{socket.gethostname()}",
        min_length=1,
        max_length=64,
        description="This door's name in every frame: the same after a restart, and no other door's.",
    )
    kafka_timeout_s: float = Field(default=5.0, gt=0, description="A caller waits so long for Kafka; then it gets 503.")
    body_timeout_s: float = Field(default=20.0, gt=0, description="A body that has not come by then gets 408.")
    body_limit_bytes: int = Field(default=8_000_000, ge=1, description="A larger body gets 413.")
    bodies_limit_bytes: int = Field(
        default=128_000_000, ge=1, description="Bodies in memory at once; beyond them callers get 503."
    )
    connections_limit: int = Field(default=512, ge=1, description="Connections at once.")
    linger_s: float = Field(default=0.25, ge=0, description="Samples wait so long for others to share a frame with.")
    batch_rows: int = Field(default=20_000, ge=1, description="So many samples wait no longer.")
    waiting_rows: int = Field(
        default=400_000, ge=1, description="Samples that wait at most; beyond them callers get 503."
    )
    samples_per_s: float = Field(default=20_000.0, gt=0, description="What a tenant may send; beyond it gets 429.")
    burst_samples: float = Field(default=200_000.0, gt=0, description="What it may send at once after a pause.")
    log_level: str = Field(default="warning", description="Of the door.")
