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
    "ingest/contract", "ingest/recorded", "ingest/gate.py", "ingest/in_force.py", "ingest/ranges.py", "ingest/rate.py",
    "streams/contract", "streams/detectors", "streams/clock.py", "streams/daybook.py", "streams/excuses.py",
    "streams/incident_bench.py", "streams/incidents", "streams/knowledge.py", "streams/ledger.py", "streams/log_order.py",
    "streams/maintenance.py", "streams/measures.py", "streams/partials.py", "streams/plan_book.py",
    "streams/planned_ways.py", "streams/resume.py", "streams/rollup_bench.py", "streams/rollup_lines.py",
    "streams/sequencer.py", "streams/service_seconds.py", "streams/shard.py", "streams/side_inputs.py",
    "streams/slot_edges.py", "streams/snapshots.py", "streams/tenure.py", "streams/thresholds.py", "streams/workbench.py",
    "exporters/contract", "exporters/cloudwatch_data.py", "exporters/delivery.py", "exporters/directory.py",
    "exporters/event_fields.py", "exporters/eventbridge_entries.py", "exporters/influx_points.py",
    "exporters/minute_counts.py", "exporters/network_state.py", "exporters/pages.py", "exporters/parquet_files.py",
    "exporters/reading.py", "exporters/routing.py", "exporters/watermarks.py",
    "dashboards/page/state.py", "dashboards/page/wire.py",
    "simulators",
)  # fmt: skip
SHELL_LIBRARIES = {
    "faust", "aiokafka", "asyncio", "kafka", "boto3", "botocore", "influxdb_client", "prometheus_client", "structlog",
    "logging", "starlette", "uvicorn", "threading", "socket",
}  # fmt: skip
# A clock, and a source of chance that is everybody's: pure code is given its instants and its generator.
IMPURE_CALL = re.compile(
    r"(time\.)?(time|time_ns|monotonic|monotonic_ns|perf_counter|perf_counter_ns|sleep)"
    r"|(.*\.)?(datetime|date)\.(now|utcnow|today)"
    r"|random\.(?!Random$)\w+"
    r"|(np|numpy)\.random\.(?!default_rng$|Generator$|SeedSequence$|PCG64$|Philox$)\w+"
)


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
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]

    assert imported & SHELL_LIBRARIES == set()
    assert [name for node in calls if IMPURE_CALL.fullmatch(name := ast.unparse(node.func))] == []
    assert [node.lineno for node in calls if _is_unseeded(node)] == []


def _is_unseeded(call):
    return ast.unparse(call.func).split(".")[-1] in {"default_rng", "Random"} and not (call.args or call.keywords)


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
