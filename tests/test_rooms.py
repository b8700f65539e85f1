"""The house keeps its walls: who may import whom, what stays pure, and what never enters the tree."""

import ast
import re
import subprocess
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
ROOMS = ("ingest", "streams", "exporters", "dashboards", "simulators")
# Arithmetic and records only: these may be run a million times with nothing started.
PURE = (
    "ingest/contract", "streams/contract", "exporters/contract", "simulators/contract", "streams/detectors",
    "streams/shard.py", "streams/sequencer.py", "streams/clock.py", "streams/knowledge.py", "streams/correlator.py",
    "streams/workbench.py", "streams/incident_bench.py", "streams/side_inputs.py", "streams/merge.py",
    "streams/snapshots.py", "streams/resume.py", "streams/slot_edges.py", "ingest/gate.py", "ingest/rate.py",
    "ingest/recorded", "exporters/delivery.py", "exporters/influx_points.py", "exporters/cloudwatch_data.py",
    "exporters/eventbridge_entries.py", "exporters/parquet_files.py", "exporters/network_state.py",
    "exporters/pages.py", "simulators/orbits.py", "simulators/visibility.py", "simulators/scheduler.py",
    "simulators/link.py", "simulators/rain.py",
)  # fmt: skip
SHELL_LIBRARIES = {
    "faust", "aiokafka", "asyncio", "kafka", "boto3", "botocore", "influxdb_client", "prometheus_client", "structlog",
    "logging", "starlette", "uvicorn", "threading", "socket",
}  # fmt: skip
CLOCKS = {
    "time.time", "time.time_ns", "time.monotonic", "time.sleep", "datetime.now", "datetime.utcnow", "np.random.rand",
    "np.random.seed", "random.random", "np.random.normal",
}  # fmt: skip


def pure_files():
    for name in PURE:
        path = ROOT / name
        assert path.exists(), f"{name} is listed as pure and is not there"
        yield from path.rglob("*.py") if path.is_dir() else [path]


def test_the_layers_and_the_forbidden_imports_hold(monkeypatch):
    monkeypatch.chdir(ROOT)

    assert lint_imports(no_cache=True) == 0


def test_only_contracts_cross_a_wall():
    graph = grimp.build_graph(*ROOMS, cache_dir=None)
    crossing = [
        f"{importer} imports {imported}"
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if importer.split(".")[0] != imported.split(".")[0] and imported.split(".")[1:2] != ["contract"]
    ]

    assert crossing == []


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_pure_module_imports_no_shell_and_asks_no_clock(path):
    tree = ast.parse(path.read_text())
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    } | {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}

    assert imported & SHELL_LIBRARIES == set()
    assert called & CLOCKS == set()


def test_every_module_says_in_its_docstring_what_it_is():
    silent = [
        str(path.relative_to(ROOT))
        for room in (*ROOMS, "leowatch")
        for path in (ROOT / room).rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]

    assert silent == []


def test_no_file_names_a_machine_or_a_package_host():
    pattern = r"https?://[^ \"']+/(simple/|packages/|maven2/)|/work/(main|shared|\.)"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    found = [
        name
        for name in filter(None, listed.split("\0"))
        if name not in ("tests/test_rooms.py", "dashboards/schema/dashboard.schema.json") and (ROOT / name).is_file()
        if re.search(pattern, (ROOT / name).read_bytes().decode(errors="ignore"))
    ]

    assert found == []
