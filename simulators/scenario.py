"""What goes wrong in a run: faults in a TOML file, which may include other files; shipped ones go by their names."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, structs

from ingest.contract.vocabulary import TerminalModel
from simulators.contract.faults import FAULT_BY_KIND, FaultKind, FaultType

AUTO = "auto"
"""The run chooses what breaks: something that carries traffic, and nothing that another fault touches."""

Audience = Annotated[str, Meta(pattern="^(noc_page|soc_page|pipeline_page|ot_page|ticket|tenant|nobody)$")]
Remediation = Annotated[str, Meta(pattern="^(auto|manual|none)$")]
Positive = Annotated[float, Meta(gt=0)]
Seconds = Annotated[float, Meta(ge=0)]

_INCLUDED_LIMIT = 8


class BadScenario(ValueError):  # noqa: N818 - the error says what is bad, as in house style
    """A scenario that cannot be played: what, where, and how to mend it."""


class Near(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A region: everything within a distance of a place."""

    latitude_deg: Annotated[float, Meta(ge=-90, le=90)]
    longitude_deg: Annotated[float, Meta(ge=-180, le=180)]
    radius_km: Positive


class FaultSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault as it is asked for.

    Attributes:
        kind: What breaks.
        start_s: Seconds after the start of the run.
        duration_s: How long it stands; left out, it stands until the run ends.
        target: Id of what breaks, or `auto`.
        count: With `auto`, how many break; each is a fault of its own.
        share: Instead of `count`: this share of those that may break.
        spread_s: Many begin one after the other, at random within this time.
        tenant, model, country, near: With `auto`: only among these.
        inside: With `auto`: only in the region that the first fault of this kind reaches; a gateway's is itself.
        radius_km: How far it reaches, where its root is a cell; left out, by kind.
        magnitude: How bad, in the unit of its kind; left out, at random within the kind's range.
        onset_s, recovery_s: It grows and fades over so long; left out, by kind (most come at once).
        period_s: It comes and goes: half of each period it stands; left out, by kind (most just stand).
        remediation: auto, manual or none; `auto` mends it, or routes round it, `remediation_after_s` after its start.
        audience: Who is to hear of it; left out, by kind.
        page_by_s: Seconds after the start by which a page is due; only where the audience is paged.
        announced_s: It is planned work: a maintenance window says so, so long before it starts.
    """

    kind: FaultKind
    start_s: Seconds
    duration_s: Positive | None = None
    target: str = AUTO
    count: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    share: Annotated[float, Meta(gt=0, le=1)] | None = None
    spread_s: Seconds = 0.0
    tenant: str | None = None
    model: Annotated[str, Meta(pattern="^(nano|pro|ultra)$")] | None = None
    country: str | None = None
    near: Near | None = None
    inside: FaultKind | None = None
    radius_km: Positive | None = None
    magnitude: float | None = None
    onset_s: Seconds | None = None
    recovery_s: Seconds | None = None
    period_s: Positive | None = None
    remediation: Remediation = "none"
    remediation_after_s: Seconds | None = None
    audience: Audience | None = None
    page_by_s: Positive | None = None
    announced_s: Seconds | None = None

    def __post_init__(self) -> None:
        if self.target != AUTO and (self.count != 1 or self.share is not None):
            raise ValueError(f"count {self.count} and share go with target 'auto'; a named target breaks once")
        if self.count != 1 and self.share is not None:
            raise ValueError("count and share: take one of them out")
        if self.page_by_s is not None and not self.heard_by.endswith("_page"):
            raise ValueError(f"page_by_s needs an audience that is paged, not {self.heard_by!r}")
        if (self.remediation == "auto") != (self.remediation_after_s is not None):
            raise ValueError("remediation 'auto' and remediation_after_s go together")
        if self.type.root != "cell" and self.radius_km is not None:
            raise ValueError(f"radius_km says how far around a cell; take it out of {self.kind}")

    @property
    def type(self) -> FaultType:
        """What is known of its kind."""
        return FAULT_BY_KIND[self.kind]

    @property
    def heard_by(self) -> str:
        """Who is to hear of it."""
        return self.audience or self.type.audience

    @property
    def terminal_model(self) -> TerminalModel | None:
        """The model that it is confined to."""
        return None if self.model is None else TerminalModel[self.model.upper()]


class Include(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another scenario's faults, `shift_s` later: a shipped name, or a path from this file's folder."""

    scenario: str
    shift_s: Seconds = 0.0


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named list of faults.

    Attributes:
        minutes: How long a run shows all of it; a run may be of any length.
        include: Whose faults come first.
    """

    name: Annotated[str, Meta(min_length=1)]
    about: str = ""
    minutes: Positive = 15.0
    include: tuple[Include, ...] = ()
    fault: tuple[FaultSpec, ...] = ()


def shipped() -> list[str]:
    """Name the scenarios in the package."""
    files = resources.files("simulators").joinpath("scenarios").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def load_scenario(name_or_path: str) -> Scenario:
    """Read a shipped scenario by its name, or any by its path; what it includes is among its faults.

    Raises:
        BadScenario: There is none of that name, it is no TOML, a field is wrong, or it includes itself.
    """
    return _load(name_or_path, Path(), ())


def _load(name_or_path: str, folder: Path, including: tuple[str, ...]) -> Scenario:
    if name_or_path in shipped():
        where, text = name_or_path, _shipped_text(name_or_path)
    else:
        path = folder / name_or_path
        if not path.is_file():
            raise BadScenario(
                f"scenario {name_or_path!r} is neither shipped ({', '.join(shipped())}) nor a file: give one of those"
                " names or the path of a TOML file"
            )
        where, text, folder = str(path.resolve()), path.read_text(encoding="utf-8"), path.parent
    if where in including or len(including) > _INCLUDED_LIMIT:
        raise BadScenario(f"{where} includes itself: {' -> '.join((*including, where))}")
    scenario = parse_scenario(text, where)
    included = [
        structs.replace(fault, start_s=fault.start_s + one.shift_s)
        for one in scenario.include
        for fault in _load(one.scenario, folder, (*including, where)).fault
    ]
    return structs.replace(scenario, include=(), fault=(*included, *scenario.fault))


def _shipped_text(name: str) -> str:
    return resources.files("simulators").joinpath("scenarios", f"{name}.toml").read_text(encoding="utf-8")


def parse_scenario(text: str, where: str) -> Scenario:
    """Read a scenario's text; `where` names it in errors.

    Raises:
        BadScenario: It is no TOML, or a field is wrong.
    """
    try:
        return msgspec.convert(tomllib.loads(text), Scenario)
    except tomllib.TOMLDecodeError as error:
        raise BadScenario(f"{where} is no TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise BadScenario(
            f"{where}: {error} (fields of a [[fault]]: {', '.join(FaultSpec.__struct_fields__)})"
        ) from error
