"""What Prometheus scrapes in docker-compose.yml, how often, and how much it lets in."""

from typing import Any

# Of the exporter's page; more than this and labels have run away.
SERIES_LIMIT = 20_000
LABEL_LIMIT = 30

# The network as the exporter tells it, and our own processes about themselves.
NETWORK = ("sink-prometheus:9303",)
SERVICES = ("door:8460", "worker:9301", *(f"sink-{name}:9302" for name in ("influx", "prometheus", "cloudwatch", "eventbridge", "parquet")))  # fmt: skip


def prometheus_config() -> dict[str, Any]:
    """Return the whole configuration."""
    return {
        "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
        "rule_files": ["/etc/prometheus/rules/*.rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]},
        "scrape_configs": [
            _job("network", *NETWORK),
            _job("services", *SERVICES),
            _job("prometheus", "127.0.0.1:9090"),
            _job("alertmanager", "alertmanager:9093"),
        ],
    }


def _job(name: str, *targets: str) -> dict[str, Any]:
    return {
        "job_name": name,
        "sample_limit": SERIES_LIMIT,
        "label_limit": LABEL_LIMIT,
        "static_configs": [{"targets": list(targets)}],
    }
