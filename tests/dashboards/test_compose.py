"""docker-compose.yml without Docker: the schema takes it, and it says what the tests' servers and our own programs say."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import jsonschema
import pytest
import typer
import yaml

from dashboards import pager, scrape
from exporters.__main__ import Name as Sink
from exporters.settings import Settings as ExportersSettings
from ingest.__main__ import app as door
from ingest.settings import Settings as IngestSettings
from leowatch.__main__ import app as front_desk
from streams.__main__ import cli as workshop
from streams.settings import Settings as StreamsSettings
from tests.stack.servers import alertmanager, influx, kafka, moto, places, prometheus

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("leowatch:")}
SECRET = re.compile(r"TOKEN|PASSWORD|SECRET|CREDENTIAL")
# moto takes any words and guards nothing; boto3 wants some.
NO_SECRET = {"moto-takes-anything"}

each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


def test_the_compose_specification_takes_it():
    schema = json.loads((Path(__file__).parent / "compose/compose-spec.json").read_text())
    jsonschema.Draft201909Validator(schema).validate(COMPOSE)


def test_the_whole_stack_is_there():
    ours = {"topics", "simulator", "door", "worker", "merge", "correlator", "page", "pager"}
    assert set(OURS) == ours | {f"sink-{sink}" for sink in Sink}
    assert set(SERVICES) - set(OURS) == {"kafka", "influxdb", "prometheus", "alertmanager", "grafana", "moto"}


def test_each_image_is_pinned_and_of_the_version_that_the_tests_run():
    pinned = {name: service["image"].split(":")[1] for name, service in SERVICES.items()}
    versions = places.versions()
    locked = (ROOT / "requirements.lock").read_text()
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert pinned == {
        "kafka": versions["KAFKA_VERSION"],
        "influxdb": versions["INFLUXDB_VERSION"],
        "prometheus": f"v{versions['PROMETHEUS_VERSION']}",
        "alertmanager": f"v{versions['ALERTMANAGER_VERSION']}",
        "grafana": versions["GRAFANA_VERSION"],
        "moto": re.search(r"^moto==(\S+)", locked, re.MULTILINE)[1],
        **dict.fromkeys(OURS, ours),
    }


@each_service
def test_a_service_has_a_healthcheck_and_is_not_root(service):
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["user"].split(":")[0] not in {"", "0", "root"}
    assert service["cap_drop"] == ["ALL"]


@each_service
def test_a_service_waits_for_others_until_they_are_well(service):
    for name, how in service.get("depends_on", {}).items():
        assert how["condition"] == ("service_completed_successfully" if name == "topics" else "service_healthy")


@each_service
def test_a_service_is_published_on_the_loopback_interface_alone(service):
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_no_secret_has_a_default():
    asked = re.findall(r"\$\{(\w+)([^}]*)\}", TEXT)
    assert {name for name, _ in asked} >= {"INFLUX_TOKEN", "INFLUX_PASSWORD", "GRAFANA_PASSWORD", "DOOR_TOKEN_SHA256"}
    assert all(how.startswith(":?") for _, how in asked)
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if SECRET.search(name) and not name.endswith("_TOKENS"):
                assert value.startswith("${") or value in NO_SECRET | {"false"}, name


def test_the_example_of_the_environment_names_what_is_asked_and_holds_no_secret():
    example = dict(
        line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if line[:1] not in {"", "#"}
    )
    assert set(example) == set(re.findall(r"\$\{(\w+)", TEXT)) | {"DOOR_TOKEN"}
    assert all(value.startswith("<") for name, value in example.items() if SECRET.search(name))


@pytest.mark.parametrize(
    ("service", "flags"),
    [
        ("influxdb", influx.command("influxd", Path("/var/lib/influxdb2"), ":8086")),
        ("prometheus", prometheus.command("", Path("/etc/prometheus/prometheus.yml"), Path("/prometheus"), ":9090")[1:]),
        ("alertmanager", alertmanager.command("/bin/alertmanager", Path("/tmp/alertmanager.yml"), Path("/alertmanager"), ":9093")),
        ("moto", moto.command("python", "0.0.0.0", 5000)),
    ],
)  # fmt: skip
def test_a_server_runs_as_it_does_in_the_tests(service, flags):
    assert SERVICES[service]["command"] == flags


def test_the_broker_is_the_one_of_the_tests():
    broker = SERVICES["kafka"]
    assert broker["environment"]["KAFKA_HEAP_OPTS"] == " ".join(kafka.HEAP)
    assert f"./{kafka.SETTINGS.relative_to(ROOT)}:/mnt/shared/config/server.properties:ro" in broker["volumes"]
    said = {
        line.split("=")[0]
        for line in kafka.properties(Path(), 1, 2).removeprefix(kafka.SETTINGS.read_text()).splitlines()
    }
    here = {name.removeprefix("KAFKA_").lower().replace("_", ".") for name in broker["environment"]}
    assert said - set(kafka.SHORT_SESSION) <= here


def test_every_file_that_is_mounted_exists():
    mounted = [
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    ]
    assert len(mounted) == 6
    assert all((ROOT / path).exists() for path in mounted)


@pytest.mark.parametrize("name", OURS)
def test_one_of_our_programs_takes_the_command(name):
    command = OURS[name]["command"]
    if command[:3] == ["python", "-m", "exporters"]:
        assert command[3:] == [Sink(command[3])]
        return
    if command[:3] == ["python", "-m", "dashboards.pager"]:
        assert callable(pager.main)
        return
    programs = {"leowatch": (front_desk, 1), "ingest": (door, 3), "streams": (workshop, 3)}
    app, skipped = programs[command[0] if command[0] == "leowatch" else command[2]]
    verb = typer.main.get_command(app).commands[command[skipped]]
    known = {option for parameter in verb.params for option in parameter.opts}
    assert {word for word in command[skipped + 1 :] if word.startswith("--")} <= known


# Its port is fixed, so it cannot be run beside another; `test_pager.py` tries what it serves.
NOT_RUN = {"pager"}


@pytest.mark.parametrize("name", sorted(set(OURS) - NOT_RUN))
def test_a_stack_test_runs_each_of_our_programs_by_the_very_command(name):
    tests = "".join(path.read_text() for path in (ROOT / "tests/stack").glob("*.py"))
    program, *arguments = OURS[name]["command"]
    if program == "leowatch":
        assert f'composed.command("{name}"' in tests
    else:
        _, module, *verb = arguments
        by_hand = f'composed.of("{module}", "{verb[0]}"' in tests or (
            f'running("{module}", "{verb[0]}"' in tests and "composed.of(module, *arguments)" in tests
        )
        by_sink = f'composed.of("{module}", name)' in tests and f'"{verb[0]}"' in tests
        assert by_hand or by_sink


@pytest.mark.parametrize("settings", [IngestSettings, StreamsSettings, ExportersSettings])
def test_each_setting_of_a_room_is_one_that_it_reads(settings):
    prefix = settings.model_config["env_prefix"]
    said = {name for service in OURS.values() for name in service.get("environment", {}) if name.startswith(prefix)}
    assert said
    assert said <= {prefix + field.upper() for field in settings.model_fields}


def test_what_prometheus_scrapes_is_served_by_a_service():
    for target in (*scrape.NETWORK, *scrape.SERVICES):
        service, port = target.split(":")
        assert service in OURS
        if service.startswith("sink-"):
            assert int(port) in {ExportersSettings().metrics_port, ExportersSettings().prometheus_port}
    assert f"worker:{StreamsSettings().metrics_port}" in scrape.SERVICES
    assert f"door:{IngestSettings().port}" in scrape.SERVICES


def test_alertmanager_starts_with_the_address_in_the_placeholders_place(tmp_path):
    shell, flag, script, name = SERVICES["alertmanager"]["entrypoint"]
    script = script.replace("$$", "$").replace("/etc/leowatch/", f"{ROOT}/dashboards/generated/")
    script = script.replace("/tmp/alertmanager.yml", f"{tmp_path}/alertmanager.yml")
    address = f"http://pager:{pager.PORT}"
    done = subprocess.run(
        [shell, flag, script, name, "cat", f"{tmp_path}/alertmanager.yml"],
        env={**os.environ, "PAGER_WEBHOOK_URL": address}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"url: {address}/page/noc\n" in done.stdout
    assert "invalid" not in done.stdout


def test_the_image_is_built_from_the_lock_and_runs_as_nobody_in_particular():
    text = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["python:3.11.13-slim-bookworm"] * 2
    assert "--require-hashes -r requirements-servers.lock" in text
    assert f"USER {SERVICES['door']['user']}" in text


def test_the_lock_of_the_image_agrees_with_the_whole_one():
    def pins(name):
        return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))

    whole, image = pins("requirements.lock"), pins("requirements-servers.lock")
    assert image.items() <= whole.items()
    assert {"faust-streaming", "kafka-python", "boto3", "influxdb-client", "hatchling"} <= set(image)
    assert not {"pytest", "mypy", "moto"} & set(image)
