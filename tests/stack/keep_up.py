"""`make stack`: keeps every real server up for a person, says where each is, and stops them all on Ctrl-C."""

import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from exporters.contract.topics import EXPORTERS_TOPICS
from ingest.contract.topics import INGEST_TOPICS
from streams.contract.topics import STREAMS_TOPICS
from tests.stack.servers import alertmanager, influx, kafka, moto, prometheus, webhook
from tests.stack.servers.daemon import Daemon, NotStarted
from tests.stack.servers.places import Missing
from tests.stack.servers.ports import usual_or_free

LOOK_EVERY_S = 0.5


def scrape_config(own_address: str, alertmanager_address: str) -> dict[str, Any]:
    """Return a Prometheus configuration that watches itself and pages through the Alertmanager."""
    return {
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "scrape_configs": [{"job_name": "prometheus", "static_configs": [{"targets": [own_address]}]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager_address]}]}]},
    }


def route_config(webhook_url: str) -> dict[str, Any]:
    """Return an Alertmanager configuration that sends every page to one webhook."""
    receiver = {"name": "noc", "webhook_configs": [{"url": webhook_url}]}
    return {"route": {"receiver": "noc"}, "receivers": [receiver]}


def start_all(running: ExitStack, folder: Path) -> tuple[list[Daemon], dict[str, str]]:
    """Start every server, each in a folder of its own; return their processes and what a person needs to know."""

    def own(name: str) -> Path:
        (folder / name).mkdir()
        return folder / name

    broker = running.enter_context(kafka.start(own("kafka"), usual_or_free(9092)))
    broker.create_topics([*INGEST_TOPICS, *STREAMS_TOPICS, *EXPORTERS_TOPICS])
    store = running.enter_context(influx.start(own("influx"), usual_or_free(8086)))
    telephone = running.enter_context(webhook.start())
    pager_port, monitor_port = usual_or_free(9093), usual_or_free(9090)
    pager = running.enter_context(alertmanager.start(own("alertmanager"), route_config(telephone.url), pager_port))
    monitor = running.enter_context(
        prometheus.start(own("prometheus"), scrape_config(f"127.0.0.1:{monitor_port}", pager.address), monitor_port)
    )
    cloud = running.enter_context(moto.start(own("moto"), usual_or_free(5000)))
    facts = {
        "Kafka": f"{broker.bootstrap} (every topic of the contracts, {kafka.PARTITION_COUNT} partitions)",
        "InfluxDB": f"{store.url} org {store.org} bucket {store.bucket} token {store.token}",
        "Prometheus": monitor.url,
        "Alertmanager": f"{pager.url} (pages go to {telephone.url})",
        "moto": f"{cloud.url} (CloudWatch, EventBridge, SQS, STS)",
        "data and logs": str(folder),
    }
    return [server.process for server in (broker, store, pager, monitor, cloud)], facts


def watch(daemons: list[Daemon]) -> str | None:
    """Return when a person has had enough (None), or a server has ended (its name)."""
    try:
        while True:
            ended = next((daemon.name for daemon in daemons if not daemon.is_running), None)
            if ended:
                return ended
            time.sleep(LOOK_EVERY_S)
    except KeyboardInterrupt:
        return None


def say(facts: Mapping[str, str]) -> None:
    """Print where everything is."""
    width = max(map(len, facts))
    sys.stdout.writelines(f"{name:<{width}}  {fact}\n" for name, fact in facts.items())
    sys.stdout.write("Ctrl-C stops them all.\n")
    sys.stdout.flush()


def main() -> int:
    """Keep the servers up until told to stop."""
    for ending in (signal.SIGINT, signal.SIGTERM):  # a shell that started us in the background has SIGINT ignored
        signal.signal(ending, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="leowatch-stack-") as folder, ExitStack() as running:
        try:
            daemons, facts = start_all(running, Path(folder))
        except (Missing, NotStarted) as error:
            sys.stderr.write(f"{error}\n")
            return 1
        except KeyboardInterrupt:
            return 0
        say(facts)
        ended = watch(daemons)
        for ending in (signal.SIGINT, signal.SIGTERM):  # an impatient second Ctrl-C must not leave one behind
            signal.signal(ending, signal.SIG_IGN)
        if ended:
            sys.stderr.write(f"{ended} has ended; the others are stopped\n")
        return 1 if ended else 0


if __name__ == "__main__":
    sys.exit(main())
