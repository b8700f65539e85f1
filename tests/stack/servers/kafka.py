"""A real Kafka broker (KRaft, one node) run from its published jars."""

import base64
import subprocess
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError

from ingest.contract.topics import Spread, Topic
from tests.stack.servers import places
from tests.stack.servers.daemon import Daemon, NotStarted, running
from tests.stack.servers.ports import free_port

SETTINGS = places.RECIPES / "kafka" / "broker.properties"
LOG_SETTINGS = places.RECIPES / "kafka" / "log4j2.yaml"
PARTITION_COUNT = 4
HEAP = ("-Xms512m", "-Xmx1g")
# A broker that was killed may register again only when its former life's session has ended: 9 s by default.
SHORT_SESSION = {"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500"}


def command(java: str, jars: Path, properties: Path) -> list[str]:
    """Return what runs the broker."""
    return [
        java,
        *HEAP,
        f"-Dlog4j2.configurationFile={LOG_SETTINGS}",
        "-cp",
        f"{jars}/*",
        "kafka.Kafka",
        str(properties),
    ]


def format_command(java: str, jars: Path, properties: Path, cluster_id: str) -> list[str]:
    """Return what prepares an empty data folder."""
    tool = [java, "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*", "kafka.tools.StorageTool", "format"]
    return [*tool, f"--cluster-id={cluster_id}", "--config", str(properties)]


def properties(data_dir: Path, port: int, controller_port: int) -> str:
    """Return the broker's settings with where it listens and keeps its data."""
    broker, controller = f"127.0.0.1:{port}", f"127.0.0.1:{controller_port}"
    here = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{broker}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(data_dir / "log"),
        **SHORT_SESSION,
    }
    return SETTINGS.read_text() + "".join(f"{key}={value}\n" for key, value in here.items())


@dataclass(frozen=True)
class Kafka:
    """A running broker."""

    bootstrap: str
    process: Daemon

    def create_topics(self, topics: Iterable[Topic], partition_count: int = PARTITION_COUNT) -> None:
        """Create topics as their contract says and wait until each partition has its leader."""
        asked = {
            topic.name: {
                "num_partitions": partition_count if topic.spread is Spread.SHARD else 1,
                "replication_factor": 1,
                "configs": topic.config(),
            }
            for topic in topics
        }
        with self.admin() as admin:
            admin.create_topics(asked, wait_for_metadata=True)

    def set_topic(self, topic: str, settings: Mapping[str, str]) -> None:
        """Change a topic's settings: `{"max.message.bytes": "1"}` makes the broker refuse whatever is sent to it."""
        with self.admin() as admin:
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=dict(settings))])

    def unset_topic(self, topic: str, *names: str) -> None:
        """Give a topic the broker's own settings back."""
        with self.admin() as admin:
            asked = dict.fromkeys(names, ("DELETE", None))
            admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=asked)])

    @contextmanager
    def admin(self) -> Iterator[Any]:
        """Lend an admin client."""
        client = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            yield client
        finally:
            client.close()


@contextmanager
def start(data_dir: Path, port: int | None = None) -> Iterator[Kafka]:
    """Run a broker with its data in a folder of its own."""
    java, jars, port = places.java(), places.kafka_jars(), port or free_port()
    settings = data_dir / "server.properties"
    settings.write_text(properties(data_dir, port, free_port()))
    if not (data_dir / "log" / "meta.properties").exists():
        _format(format_command(java, jars, settings, _cluster_id()))
    bootstrap = f"127.0.0.1:{port}"
    daemon = Daemon("kafka", command(java, jars, settings), data_dir, is_ready=lambda: _answers(bootstrap))
    with running(daemon):
        yield Kafka(bootstrap, daemon)


def _cluster_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()


def _format(tool: list[str]) -> None:
    done = subprocess.run(tool, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotStarted(f"kafka could not format its folder: {' '.join(tool)}\n{done.stdout}{done.stderr}")


def _answers(bootstrap: str) -> bool:
    try:
        client = KafkaAdminClient(bootstrap_servers=bootstrap, bootstrap_timeout_ms=1000)
    except (KafkaError, OSError):
        return False
    client.close()
    return True
