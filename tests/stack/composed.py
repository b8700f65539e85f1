"""Our programs as docker-compose.yml runs them, with this machine's addresses in the places of the containers'."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
_STOPS_WITHIN_S = 30
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def command(service: str, **here: str) -> list[str]:
    """Return what runs a service; `here` maps an option without its dashes to the value that it has on this machine."""
    program, *arguments = SERVICES[service]["command"]
    running = [sys.executable, "-m", "leowatch", *arguments] if program == "leowatch" else [sys.executable, *arguments]
    for option, value in here.items():
        running[running.index(f"--{option}") + 1] = value
    return running


def of(module: str, *arguments: str) -> list[str]:
    """Return what runs a module of ours; a test may run only what a service of compose runs."""
    found = [
        name for name, service in SERVICES.items() if service.get("command") == ["python", "-m", module, *arguments]
    ]
    assert found, f"no service of docker-compose.yml runs `python -m {module} {' '.join(arguments)}`"
    return command(found[0])


@contextmanager
def started(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command as people do, and stop it in order."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
