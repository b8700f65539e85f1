"""A real Alertmanager."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stack.servers import places
from tests.stack.servers.daemon import Daemon, running
from tests.stack.servers.ports import free_port
from tests.stack.servers.web import answers, get_json


def command(alertmanager: str, config: Path, data_dir: Path, address: str) -> list[str]:
    """Return what runs the server; the empty cluster address keeps it from looking for others."""
    return [
        alertmanager,
        f"--config.file={config}",
        f"--storage.path={data_dir}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]


@dataclass(frozen=True)
class Alertmanager:
    """A running Alertmanager; `address` is what a Prometheus is given as its target."""

    url: str
    address: str
    process: Daemon

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts it holds."""
        found: list[dict[str, Any]] = get_json(f"{self.url}/api/v2/alerts")
        return found


@contextmanager
def start(data_dir: Path, config: Mapping[str, Any], port: int | None = None) -> Iterator[Alertmanager]:
    """Run a server with the configuration given as plain data."""
    binary, address = places.alertmanager(), f"127.0.0.1:{port or free_port()}"
    file = data_dir / "alertmanager.yml"
    file.write_text(json.dumps(config))  # JSON is YAML
    ready = answers(f"http://{address}/api/v2/status")
    daemon = Daemon("alertmanager", command(binary, file, data_dir / "data", address), data_dir, is_ready=ready)
    with running(daemon):
        yield Alertmanager(f"http://{address}", address, daemon)
