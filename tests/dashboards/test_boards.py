"""The boards: Grafana's own schema takes them, no panel lies on another, and each says what it shows, in which unit, from where."""

import copy
import json
from itertools import combinations
from pathlib import Path

import jsonschema
import pytest

from dashboards.boards import boards
from dashboards.provisioning import datasources
from tests.dashboards.promql import declared_names, names_in

SCHEMA = Path(__file__).parents[2] / "dashboards/schema"
BOARDS = boards()
PANELS = [(name, panel) for name, board in BOARDS.items() for panel in board["panels"] if panel["type"] != "row"]
each_panel = pytest.mark.parametrize(
    "panel", [panel for _, panel in PANELS], ids=[f"{name}: {panel['title']}" for name, panel in PANELS]
)
each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)


def schema(name):
    content = json.loads((SCHEMA / f"{name}.schema.json").read_text())
    if name == "dashboard":
        # Each data source adds fields of its own to an annotation; Prometheus has this one.
        content["definitions"]["AnnotationQuery"]["properties"]["expr"] = {"type": "string"}
    return content


def refusals(content, name, part):
    whole = schema(name)
    asked = {**whole, "$ref": f"#/definitions/{part}"}
    return [f"{error.json_path}: {error.message}" for error in jsonschema.Draft7Validator(asked).iter_errors(content)]


@each_board
def test_grafanas_schema_takes_a_board(board):
    assert refusals(board, "dashboard", "Dashboard") == []


@each_panel
def test_grafanas_schema_takes_the_options_of_a_panel(panel):
    kind = panel["type"]
    assert refusals(panel["options"], kind, "Options") == []
    custom = panel["fieldConfig"]["defaults"].get("custom")
    assert custom is None or refusals(custom, kind, "FieldConfig") == []


def test_a_board_with_a_misspelt_field_is_refused():
    board = copy.deepcopy(BOARDS["fleet"])
    board["panels"][1]["fieldConfig"]["defaults"]["unitt"] = "s"
    assert refusals(board, "dashboard", "Dashboard")
    assert refusals({**board["panels"][1]["options"], "colour": "red"}, "stat", "Options")


def test_a_board_keeps_its_address_for_ever():
    assert {name: board["uid"] for name, board in BOARDS.items()} == {"fleet": "leo-fleet"}


@each_board
def test_panels_have_numbers_of_their_own_and_lie_beside_each_other(board):
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for one, other in combinations(board["panels"], 2):
        assert not overlap(one["gridPos"], other["gridPos"]), f"{one['title']} and {other['title']}"
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in board["panels"])


def overlap(one, other):
    def meet(start, length):
        return one[start] < other[start] + other[length] and other[start] < one[start] + one[length]

    return meet("x", "w") and meet("y", "h")


@each_panel
def test_a_panel_says_what_it_shows_in_which_unit_and_what_silence_looks_like(panel):
    assert panel["description"].endswith(".")
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    assert defaults["noValue"] == "not heard"


@each_panel
def test_a_panel_asks_a_source_that_is_provisioned(panel):
    known = {source["uid"] for source in datasources()["datasources"]}
    assert panel["datasource"]["uid"] in known
    assert {target["datasource"]["uid"] for target in panel["targets"]} <= known


@each_panel
def test_a_panel_names_only_metrics_that_somebody_declares(panel):
    for target in panel["targets"]:
        assert names_in(target["expr"])
        assert names_in(target["expr"]) <= declared_names()


def test_a_board_is_the_same_at_every_rendering():
    assert boards() == boards()
