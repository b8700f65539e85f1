"""The house style of panels: every one has a unit, a sentence, a source, and says so when nothing is heard."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import common, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import prometheus as ask
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as answer

from dashboards.provisioning import PROMETHEUS

# Okabe and Ito's palette: told apart by every kind of colour-blind eye. Grey is "we do not know", and never green.
GOOD, WATCH, BAD, UNKNOWN = "#009E73", "#E69F00", "#D55E00", "#999999"
SILENCE = "not heard"

QUARTER, HALF, FULL = 6, 12, 24
STAT_ROWS, GRAPH_ROWS, TABLE_ROWS = 5, 8, 8

SOURCE = model.DataSourceRef(type_val="prometheus", uid=PROMETHEUS)


def instant(expr: str, legend: str = "") -> ask.Dataquery:
    """Ask for the value now."""
    return ask.Dataquery().expr(expr).instant().legend_format(legend).datasource(SOURCE).ref_id("A")


def over_time(expr: str, legend: str, ref_id: str = "A") -> ask.Dataquery:
    """Ask for the course of a value."""
    return ask.Dataquery().expr(expr).range().legend_format(legend).datasource(SOURCE).ref_id(ref_id)


def steps(*colours: tuple[float | None, str]) -> build.ThresholdsConfig:
    """Return thresholds: each colour holds from its value upwards, the first from minus infinity."""
    thresholds = [model.Threshold(value=value, color=colour) for value, colour in colours]
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(thresholds)


def number(
    title: str, sentence: str, unit: str, expr: str, thresholds: build.ThresholdsConfig | None = None
) -> stat.Panel:
    """Return one number, coloured where it can be judged; grey words where nothing is heard."""
    colour = options.BigValueColorMode.BACKGROUND if thresholds else options.BigValueColorMode.NONE
    return (
        stat.Panel()
        .title(title)
        .description(sentence)
        .datasource(SOURCE)
        .with_target(instant(expr))
        .unit(unit)
        .thresholds(thresholds or steps((None, "text")))
        .no_value(SILENCE)
        .mappings([_silence_is_grey()])
        .color_mode(colour)
        .graph_mode(options.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .span(QUARTER)
        .height(STAT_ROWS)
    )


def graph(title: str, sentence: str, unit: str, targets: Sequence[ask.Dataquery]) -> timeseries.Panel:
    """Return lines over time; a gap in the data stays a gap."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(sentence)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .no_value(SILENCE)
        .span_nulls(False)
        .show_points(options.VisibilityMode.NEVER)
        .line_width(2)
        .fill_opacity(8)
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING))
        .span(HALF)
        .height(GRAPH_ROWS)
    )
    for target in targets:
        panel = panel.with_target(target)
    return panel


def rows(title: str, sentence: str, expr: str, columns: Sequence[str], value: str) -> table.Panel:
    """Return a table of the series that exist now: their labels as columns, and their value under a name of its own."""
    return (
        table.Panel()
        .title(title)
        .description(sentence)
        .datasource(SOURCE)
        .with_target(instant(expr).format(answer.PromQueryFormat.TABLE))
        .with_transformation(_columns(columns, value))
        .frame_index(0)
        .show_header(True)
        .unit("short")
        .no_value(SILENCE)
        .span(FULL)
        .height(TABLE_ROWS)
    )


def _silence_is_grey() -> model.SpecialValueMap:
    result = model.ValueMappingResult(text=SILENCE, color=UNKNOWN, index=0)
    return model.SpecialValueMap(
        model.DashboardSpecialValueMapOptions(match=model.SpecialValueMatch.NULL_AND_NAN, result=result)
    )


def _columns(columns: Sequence[str], value: str) -> model.DataTransformerConfig:
    order = [*columns, "Value"]
    return model.DataTransformerConfig(
        id_val="organize",
        options={
            "excludeByName": {"Time": True},
            "indexByName": {name: place for place, name in enumerate(order)},
            "renameByName": {"Value": value},
        },
    )


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(options.LegendDisplayMode.LIST)
        .placement(options.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull"])
    )
