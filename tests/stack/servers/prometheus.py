"""A real Prometheus."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.stack.servers import places
from tests.stack.servers.daemon import Daemon, running
from tests.stack.servers.ports import free_port
from tests.stack.servers.web import answers, get_json


def command(prometheus: str, config: Path, data_dir: Path, address: str) -> list[str]:
    """Return what runs the server."""
    return [
        prometheus,
        f"--config.file={config}",
        f"--storage.tsdb.path={data_dir}",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    url: str
    process: Daemon

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return what an instant query finds now."""
        found: list[dict[str, Any]]
        found = get_json(f"{self.url}/api/v1/query?{urlencode({'query': expression})}")["data"]["result"]
        return found

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that are pending or firing."""
        found: list[dict[str, Any]] = get_json(f"{self.url}/api/v1/alerts")["data"]["alerts"]
        return found


@contextmanager
def start(data_dir: Path, config: Mapping[str, Any], port: int | None = None) -> Iterator[Prometheus]:
    """Run a server with the configuration given as plain data; `rule_files` in it are absolute paths."""
    binary, address = places.prometheus(), f"127.0.0.1:{port or free_port()}"
    file = data_dir / "prometheus.yml"
    file.write_text(json.dumps(config))  # JSON is YAML
    ready = answers(f"http://{address}/api/v1/status/runtimeinfo")
    daemon = Daemon("prometheus", command(binary, file, data_dir / "tsdb", address), data_dir, is_ready=ready)
    with running(daemon):
        yield Prometheus(f"http://{address}", daemon)
