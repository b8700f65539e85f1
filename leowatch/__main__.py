"""The command line: what a person types; each command composes rooms and leaves the work to them."""

import json
import logging
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ingest.contract.instants import from_rfc3339
from leowatch.refusal import refusing

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Telemetry and observability for a LEO network.")


inventory = typer.Typer(no_args_is_help=True, help="Who is who.")
app.add_typer(inventory, name="inventory")
scenario = typer.Typer(no_args_is_help=True, help="What goes wrong in a simulated run.")
app.add_typer(scenario, name="scenario")


@app.command()
def demo(
    terminals: Annotated[int, typer.Option(help="Number of terminals.", min=1)] = 2_000,
    minutes: Annotated[float, typer.Option(help="Simulated length.", min=0.1)] = 15.0,
    speed: Annotated[
        float, typer.Option(help="Simulated seconds in a second; 0 is as fast as possible.", min=0)
    ] = 60.0,
    seed: Annotated[int, typer.Option(help="Of everything random: same seed, same bytes.", min=0)] = 1,
    scenario: Annotated[
        str, typer.Option(help="A shipped scenario (`leowatch scenario list`), or the path of one.")
    ] = "bad_day",
    start: Annotated[str, typer.Option(help="First simulated instant, RFC 3339.")] = "2025-10-03T00:00:00Z",
    out: Annotated[
        Path | None, typer.Option(help="Keep telemetry, plan, truth, events, incidents, pages here.")
    ] = None,
    port: Annotated[int, typer.Option(help="Of the page; 0 takes a free one.", min=0, max=65_535)] = 8080,
    once: Annotated[bool, typer.Option(help="Exit after the minutes; else the page stays up.")] = False,
) -> None:
    """Run the whole road in one process: real orbits, a bad day, the page, and the scoreboard as the last line."""
    with refusing("demo"):
        from leowatch.demo import Options, run_demo  # noqa: PLC0415 - a command loads only its own rooms
        from simulators.run import Settings  # noqa: PLC0415

        console = Console(stderr=True)

        sky = Settings(
            terminals=terminals, minutes=minutes, seed=seed, scenario=scenario, start_at_ns=from_rfc3339(start)
        )
        options = Options(sky=sky, speed=speed, once=once or not sys.stdout.isatty(), out=out, port=port)
        result = run_demo(options, console=console)
    typer.echo(json.dumps(result))


@app.command()
def simulate(
    to: Annotated[str, typer.Option(help="`kafka`, or a folder for files.")],
    terminals: Annotated[int, typer.Option(help="Number of terminals.", min=1)] = 2_000,
    minutes: Annotated[float, typer.Option(help="Simulated length.", min=0.1)] = 15.0,
    speed: Annotated[float, typer.Option(help="Simulated seconds in a second; 0 is as fast as possible.", min=0)] = 1.0,
    seed: Annotated[int, typer.Option(help="Of everything random: same seed, same bytes.", min=0)] = 1,
    scenario: Annotated[
        str, typer.Option(help="A shipped scenario (`leowatch scenario list`), or the path of one.")
    ] = "bad_day",
    start: Annotated[
        str, typer.Option(help="First simulated instant, RFC 3339, or `now`: so that it ends now.")
    ] = "now",
    constellation: Annotated[
        str,
        typer.Option(
            help="full-3236, phase1-578, preview-153, shells such as D:630:51.9:1156/34/3 joined with +, or a file of TLE"
            " or OMM elements."
        ),
    ] = "full-3236",
    gateways: Annotated[int, typer.Option(help="How many gateways are built.", min=1, max=307)] = 214,
    slot_length_s: Annotated[int, typer.Option(help="Seconds between reallocations.", min=1, max=600)] = 30,
    slot_phase_s: Annotated[int, typer.Option(help="Offset of their boundaries.", min=0, max=599)] = 0,
    kafka: Annotated[str, typer.Option(help="Brokers, host:port, comma separated.")] = "127.0.0.1:9092",
    truth_out: Annotated[
        Path | None, typer.Option(help="Write what really happened here, apart from telemetry.")
    ] = None,
    truth_topics: Annotated[
        bool, typer.Option("--truth-topics", help="And onto Kafka's `truth.*` topics, once the run is over.")
    ] = False,
) -> None:
    """Let the simulated network emit: frames, plan and inventory onto Kafka, as a door of its own, or into files."""
    with refusing("simulate"):
        from leowatch.simulate import Options, live_start_ns, run_simulate  # noqa: PLC0415
        from simulators.run import Settings  # noqa: PLC0415

        console = Console(stderr=True)

        start_at_ns = live_start_ns(time.time_ns(), minutes, speed) if start == "now" else from_rfc3339(start)
        sky = Settings(
            terminals=terminals, minutes=minutes, seed=seed, scenario=scenario, start_at_ns=start_at_ns,
            constellation=constellation, gateways=gateways, slot_length_s=slot_length_s, slot_phase_s=slot_phase_s,
        )  # fmt: skip
        options = Options(
            sky=sky, to=to, speed=speed, kafka=kafka, truth_out=truth_out, truth_topics=truth_topics
        )  # fmt: skip
        said = run_simulate(options, console=console)
    typer.echo(json.dumps(said))


@app.command()
def page(
    kafka: Annotated[str, typer.Option(help="Brokers, host:port, comma separated.")] = "127.0.0.1:9092",
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 is everywhere.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Where to listen; 0 takes a free one.", min=0, max=65_535)] = 8080,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name under which browsers may ask for it, besides 127.0.0.1 and localhost; repeat it."),
    ] = None,
    lookback_hours: Annotated[float, typer.Option(help="How far back events are read at the start.", min=0)] = 24.0,
) -> None:
    """Show the NOC page of a network whose log is on Kafka, until told to stop."""
    with refusing("page"):
        from leowatch.page import Options, run_page  # noqa: PLC0415

        # The client says every attempt to reach a broker; the page says it once a minute.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)

        options = Options(
            kafka=kafka, host=host, port=port, allowed_hosts=tuple(allow_host or ()), lookback_s=lookback_hours * 3600
        )
        run_page(options, lambda words: typer.echo(words, err=True))


@scenario.command("list")
def list_scenarios() -> None:
    """Name the shipped scenarios, one JSON object a line."""
    from simulators.scenario import load_scenario, shipped  # noqa: PLC0415 - a command loads only its own rooms

    for name in shipped():
        found = load_scenario(name)
        typer.echo(json.dumps({"name": name, "minutes": found.minutes, "about": found.about}))


@scenario.command("generate")
def generate_scenario(
    seed: Annotated[int, typer.Option(help="Of everything random: same seed, same scenario.", min=0)] = 1,
    minutes: Annotated[float, typer.Option(help="Length of the run it is for.", min=1)] = 15.0,
    out: Annotated[Path | None, typer.Option(help="Write it here instead of to stdout.")] = None,
) -> None:
    """Compose a random scenario as TOML; `--scenario PATH` plays it."""
    from simulators.generated import generate  # noqa: PLC0415

    text = generate(seed, minutes)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


@inventory.command()
def apply(
    file: Annotated[Path, typer.Argument(help="JSON lines, one record each; `deployment` among them.")],
    kafka: Annotated[str, typer.Option(help="Brokers, host:port, comma separated.")] = "127.0.0.1:9092",
    dry_run: Annotated[bool, typer.Option(help="Say what would change, and write nothing.")] = False,
) -> None:
    """Apply an inventory: the whole file is judged first; nothing is ever removed."""
    with refusing("inventory apply"):
        from ingest.inventory_file import apply as apply_inventory  # noqa: PLC0415
        from ingest.inventory_file import changes, read_inventory  # noqa: PLC0415
        from ingest.inventory_topics import read_topics  # noqa: PLC0415
        from ingest.kafka_writer import KafkaWriter  # noqa: PLC0415

        wanted, current = read_inventory(file), read_topics(kafka)
        if dry_run:
            said = changes(current, wanted).summary()
        else:
            with KafkaWriter(kafka) as writer:
                said = apply_inventory(current, wanted, writer).summary()
    typer.echo(json.dumps(said))


@app.command()
def detect(
    files: Annotated[list[Path], typer.Argument(help="What to read; .gz too; of a run its folder.")],
    form: Annotated[str, typer.Option("--format", help="run, frames, dish-history, ping or csv.")],
    out: Annotated[Path, typer.Option(help="Events go here, one JSON object a line.")],
    mapping: Annotated[str, typer.Option("--map", help="csv: column=field,...")] = "",
    fixed: Annotated[str, typer.Option("--set", help="field=value,...: the same in every sample.")] = "",
    taken_at: Annotated[list[str] | None, typer.Option(help="dish-history: when it was taken, RFC 3339.")] = None,
    plan: Annotated[Path | None, typer.Option(help="frames: the contact plan, as a run leaves it.")] = None,
    inventory_file: Annotated[Path | None, typer.Option("--inventory", help="frames: inventory.jsonl.")] = None,
) -> None:
    """Put recorded data through the same detectors; the last line is one JSON summary."""
    with refusing("detect"):
        from leowatch.detect import Options, pairs, run_detect  # noqa: PLC0415

        options = Options(
            format=form, files=tuple(files), out=out, fields=pairs(mapping, "--map"), fixed=pairs(fixed, "--set"),
            taken_at_ns=tuple(from_rfc3339(each) for each in taken_at or ()), plan=plan, inventory=inventory_file,
        )  # fmt: skip
        found = run_detect(options)
    typer.echo(json.dumps(found))


@app.command()
def topics(
    kafka: Annotated[str, typer.Option(help="Brokers, host:port, comma separated.")] = "127.0.0.1:9092",
    partitions: Annotated[int, typer.Option(help="Of topics that are spread by shard.", min=1)] = 4,
    replication: Annotated[int, typer.Option(help="Copies of each partition.", min=1)] = 1,
) -> None:
    """Make the topics that the contracts declare; those that are there already must fit."""
    with refusing("topics"):
        from exporters.contract.topics import EXPORTERS_TOPICS  # noqa: PLC0415
        from ingest.contract.topics import INGEST_TOPICS  # noqa: PLC0415
        from ingest.topics_admin import create_topics  # noqa: PLC0415
        from streams.contract.topics import STREAMS_TOPICS  # noqa: PLC0415

        made = create_topics(
            kafka, (*INGEST_TOPICS, *STREAMS_TOPICS, *EXPORTERS_TOPICS), partition_count=partitions,
            replication_factor=replication,
        )  # fmt: skip
    typer.echo(json.dumps({"created": made.created, "present": made.present}))


@app.command()
def score(
    truth: Annotated[Path | None, typer.Option(help="Folder of truth files.")] = None,
    events: Annotated[Path | None, typer.Option(help="events.jsonl")] = None,
    incidents: Annotated[Path | None, typer.Option(help="incidents.jsonl")] = None,
    pages: Annotated[Path | None, typer.Option(help="pages.jsonl")] = None,
    telemetry: Annotated[Path | None, typer.Option(help="Folder of telemetry, for the two controls.")] = None,
    inventory: Annotated[Path | None, typer.Option(help="inventory.jsonl, for the two controls.")] = None,
    scenario: Annotated[
        str | None,
        typer.Option(help="Play this first, a shipped scenario or the path of one, instead of reading files."),
    ] = None,
    seeds: Annotated[str, typer.Option(help="scenario: A..B, both included; one run each, judged together.")] = "1",
    terminals: Annotated[int, typer.Option(help="scenario: number of terminals.", min=1)] = 2_000,
    minutes: Annotated[
        float | None, typer.Option(help="scenario: simulated length; by default its own.", min=0.1)
    ] = None,
    controls: Annotated[bool, typer.Option(help="scenario: judge the two controls too.")] = True,
    keep: Annotated[Path | None, typer.Option(help="scenario: keep each run's files in this folder.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the whole scoreboard here.")] = None,
    html_file: Annotated[Path | None, typer.Option("--html", help="Write the report here.")] = None,
) -> None:
    """Judge what a run found against what really happened; the judge reads files and knows none of the rooms."""
    from leowatch.score.files import ScoreError  # noqa: PLC0415

    with refusing("score", ScoreError):
        if scenario is None:
            if truth is None or events is None or incidents is None or pages is None:
                raise ValueError("say --scenario NAME, or all of --truth, --events, --incidents and --pages")
            from leowatch.score.command import run  # noqa: PLC0415

            found = run(
                truth=truth, events=events, incidents=incidents, pages=pages, json_file=json_file,
                html_file=html_file, telemetry=telemetry, inventory=inventory,
            )  # fmt: skip
        else:
            if (truth, events, incidents, pages) != (None,) * 4:
                raise ValueError("--scenario plays runs of its own: leave --truth, --events, --incidents, --pages out")
            from leowatch.trials import Options, run_trials, seed_range, settings_of  # noqa: PLC0415

            sky = settings_of(scenario, terminals=terminals, minutes=minutes)
            options = Options(
                sky=sky, seeds=seed_range(seeds), keep=keep, controls=controls, json_file=json_file,
                html_file=html_file,
            )  # fmt: skip
            found = run_trials(options, console=Console(stderr=True))
    typer.echo(json.dumps(found))


@app.command()
def render(
    root: Annotated[Path, typer.Option(help="The checkout to write into.")] = Path(),
    check: Annotated[bool, typer.Option(help="Write nothing; fail if a generated file is stale.")] = False,
) -> None:
    """Write what is generated from the contracts: schemas, data dictionary, boards, rules."""
    from leowatch.render import render as render_all  # noqa: PLC0415 - a command loads only its own rooms

    stale = render_all(root, check=check)
    for name in stale:
        typer.echo(f"{'stale' if check else 'written'}: {name}")
    if check and stale:
        typer.echo("run `make render` and commit what it writes", err=True)
        raise typer.Exit(1)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
