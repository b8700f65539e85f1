"""A stand-in for CloudWatch, EventBridge, SQS and STS; it accepts much that AWS refuses."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.stack.servers.daemon import Daemon, running
from tests.stack.servers.ports import free_port
from tests.stack.servers.web import answers, post_json

REGION = "us-east-1"
# moto's account and any words will do; a real profile of the person's must never be used.
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}


def command(python: str, host: str, port: int) -> list[str]:
    """Return what runs the server."""
    return [python, "-m", "moto.server", "-H", host, "-p", str(port)]


def client(service: str, endpoint_url: str, **config: Any) -> Any:
    """Return a boto3 client of a service at an address; `config` is botocore's, such as retries and timeouts."""
    session: Any = boto3.session.Session()  # its stubs want the service's name as a literal
    return session.client(service, endpoint_url=endpoint_url, config=Config(**config), **CREDENTIALS)


@dataclass(frozen=True)
class Moto:
    """A running moto server."""

    url: str
    process: Daemon

    def client(self, service: str, **config: Any) -> Any:
        """Return a boto3 client of a service here."""
        return client(service, self.url, **config)

    def reset(self) -> None:
        """Forget every rule, queue and datum."""
        post_json(f"{self.url}/moto-api/reset", {})


@contextmanager
def start(data_dir: Path, port: int | None = None) -> Iterator[Moto]:
    """Run a server; it keeps everything in memory, its log in the folder."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    ready = answers(f"{url}/moto-api/data.json")
    daemon = Daemon("moto", command(sys.executable, "127.0.0.1", port), data_dir, is_ready=ready)
    with running(daemon):
        yield Moto(url, daemon)
