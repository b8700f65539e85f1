"""The dock's settings, from `EXPORTERS_*` in the environment."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.contract.topics import REPLAY_ID


class Settings(BaseSettings):
    """What one exporter needs to know; each sink reads its own part."""

    model_config = SettingsConfigDict(env_prefix="EXPORTERS_", frozen=True)

    kafka: str = Field(default="127.0.0.1:9092", description="Brokers, host:port, comma separated.")
    group: str = Field(default="leowatch-exporters", description="Prefix of the group under which a sink commits.")
    replay: str = Field(
        default="",
        pattern=rf"^({REPLAY_ID})?$",
        description="Export the topics of this replay (`replay.<id>.*`) instead of the live ones.",
    )
    batch_records: int = Field(default=500, ge=1, description="Records a write takes at most.")
    retry_first_s: float = Field(default=0.5, gt=0, description="Pause after the first failure; it doubles.")
    retry_longest_s: float = Field(default=30.0, gt=0, description="Longest pause between attempts.")
    metrics_host: str = Field(
        default="127.0.0.1", description="Where the exporter's own metrics and /healthz are served."
    )
    metrics_port: int = Field(default=9302, ge=0, le=65_535, description="0 serves none.")
    stalled_after_s: float = Field(
        default=60.0, gt=0, description="/healthz fails when the loop has not turned for so long."
    )
    log_level: str = Field(default="warning", description="Of the exporter.")

    parquet_folder: Path = Field(default=Path("history"), description="Where Parquet files go.")
    parquet_file_rows: int = Field(default=100_000, ge=1, description="Rows at which a file is closed.")
    parquet_file_span_s: float = Field(default=60.0, gt=0, description="Log time at which a file is closed.")

    prometheus_host: str = Field(default="127.0.0.1", description="Where Prometheus scrapes the network's metrics.")
    prometheus_port: int = Field(default=9303, ge=0, le=65_535, description="0 takes a free one.")
    prometheus_epoch_s: float = Field(default=3600.0, gt=0, description="Log time after which counters begin anew.")
    prometheus_lookback_s: float = Field(
        default=86_400.0, ge=0, description="How far before that a restart reads, to know which terminals are down."
    )

    influx_url: str = Field(default="http://127.0.0.1:8086", description="Address of InfluxDB 2.")
    influx_token: SecretStr = Field(default=SecretStr(""), description="A token that may write to the bucket.")
    influx_org: str = Field(default="leowatch", description="Organisation.")
    influx_bucket: str = Field(default="leowatch", description="Bucket.")
    influx_gzip: bool = Field(default=True, description="Costs a third of the speed, saves nine tenths of the bytes.")
    influx_ordinary_handovers: bool = Field(default=False, description="Write handovers that went as planned, too.")
    destination_timeout_s: float = Field(
        default=10.0, gt=0, description="A destination that does not answer by then is away."
    )

    aws_region: str = Field(default="us-east-1", description="Region; credentials come from AWS's own chain.")
    aws_endpoint: str = Field(default="", description="Another address than AWS's own, for a stand-in.")
    cloudwatch_namespace: str = Field(default="Leowatch", description="CloudWatch namespace.")
    eventbridge_bus: str = Field(default="default", description="EventBridge bus, name or ARN.")
    eventbridge_ordinary_handovers: bool = Field(default=False, description="Put handovers that went as planned, too.")
