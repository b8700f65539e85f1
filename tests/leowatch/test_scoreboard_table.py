"""The demo's scoreboard before a person."""

import io

from rich.console import Console

from leowatch.demo import _table
from simulators.contract.faults import FaultKind

ROW = {"n": 10, "detected": 10, "missed": 0, "false": 0, "wrong_root": 0, "median_time_to_detect_s": 194.0}


def test_each_fault_is_one_line_of_an_ordinary_terminal():
    kinds = [kind.value for kind in FaultKind]
    paper = io.StringIO()
    Console(file=paper, width=80).print(_table({**ROW, "injected": 10, "per_kind": dict.fromkeys(kinds, ROW)}))
    _, headings, *lines = paper.getvalue().splitlines()
    assert headings.split() == ["fault", "injected", "found", "missed", "false", "wrong", "root", "after"]
    assert [line[: line.index("10")].strip() for line in lines] == [*(kind.replace("_", " ") for kind in kinds), "all"]
