"""A real InfluxDB 2 with one organisation and one bucket."""

import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.stack.servers import places
from tests.stack.servers.daemon import Daemon, running
from tests.stack.servers.ports import free_port
from tests.stack.servers.web import answers, post_json


def command(influxd: str, data_dir: Path, address: str) -> list[str]:
    """Return what runs the server: by itself it would report home and listen on every interface."""
    return [
        influxd,
        "run",
        f"--http-bind-address={address}",
        f"--bolt-path={data_dir}/influxd.bolt",
        f"--engine-path={data_dir}/engine",
        f"--sqlite-path={data_dir}/influxd.sqlite",
        "--reporting-disabled",
        "--ui-disabled",
    ]


@dataclass(frozen=True)
class Influx:
    """A running InfluxDB; the token may do everything."""

    url: str
    token: str
    org: str
    bucket: str
    process: Daemon


@contextmanager
def start(data_dir: Path, port: int | None = None, org: str = "leowatch", bucket: str = "leowatch") -> Iterator[Influx]:
    """Run a server over an empty folder and set it up."""
    binary, address, token = places.influxd(), f"127.0.0.1:{port or free_port()}", secrets.token_urlsafe(32)
    url = f"http://{address}"
    daemon = Daemon(
        "influxd",
        command(binary, data_dir, address),
        data_dir,
        is_ready=answers(f"{url}/health"),
        stop_signal=signal.SIGINT,  # the only one it stops in order for
    )
    with running(daemon):
        _set_up(url, token, org, bucket)
        yield Influx(url, token, org, bucket, daemon)


def _set_up(url: str, token: str, org: str, bucket: str) -> None:
    person = {"username": "leowatch", "password": secrets.token_urlsafe(32)}
    post_json(f"{url}/api/v2/setup", {**person, "org": org, "bucket": bucket, "token": token})
