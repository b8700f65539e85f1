"""Where the servers' programs are on this machine, or how to get them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

RECIPES = Path(__file__).parent.parent / "recipes"
# Where people's tools are when their shell profile was not read; setup.sh looks in the same places.
USUAL_FOLDERS = ("/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin", "/usr/lib/jvm/*/bin")


class Missing(RuntimeError):  # noqa: N818 - reads as the sentence it raises
    """A server is not on this machine."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is not on this machine: run `tests/stack/setup.sh {name}`, "
            f"or set LEOWATCH_{name.upper()} to an installed one"
        )


def versions() -> dict[str, str]:
    """Read the pinned versions of the servers."""
    lines = (RECIPES / "versions.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def cache() -> Path:
    """Return the folder that outlives the tree and the tests."""
    return Path(os.environ.get("LEOWATCH_CACHE") or Path.home() / ".cache" / "leowatch")


def kafka_jars() -> Path:
    """Return the folder of Kafka's jars."""
    jars = Path(os.environ.get("LEOWATCH_KAFKA") or cache() / f"kafka-{versions()['KAFKA_VERSION']}")
    if not any(jars.glob("kafka_2.13-*.jar")):
        raise Missing("kafka")
    return jars


def java() -> str:
    """Return the Java that runs Kafka."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java") or shutil.which("java", path=f"{home}/bin") or _usual("java")
    if found is None:
        raise Missing("kafka")
    return found


def influxd() -> str:
    """Return the InfluxDB server."""
    binary = Path(
        os.environ.get("LEOWATCH_INFLUXD") or cache() / f"influxd-{versions()['INFLUXDB_VERSION']}" / "influxd"
    )
    if not os.access(binary, os.X_OK):
        raise Missing("influxd")
    return str(binary)


def prometheus() -> str:
    """Return the Prometheus server."""
    return _installed("prometheus", "prometheus")


def alertmanager() -> str:
    """Return the Alertmanager; Debian puts its family name in front."""
    return _installed("alertmanager", "prometheus-alertmanager", "alertmanager")


def chromium() -> str:
    """Return the browser."""
    return _installed("chromium", "chromium")


def _installed(name: str, *programs: str) -> str:
    told = os.environ.get(f"LEOWATCH_{name.upper()}")
    found = next(_candidates((told,) if told else programs), None)
    if found is None:
        raise Missing(name)
    return found


def _candidates(programs: tuple[str, ...]) -> Iterator[str]:
    for program in programs:
        found = shutil.which(program) or _usual(program)
        if found:
            yield found


def _usual(program: str) -> str | None:
    for pattern in USUAL_FOLDERS:
        for folder in sorted(Path("/").glob(pattern.lstrip("/"))):
            found = shutil.which(program, path=str(folder))
            if found:
                return found
    return None
