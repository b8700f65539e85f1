"""What goes wrong in a run: a list of faults in a TOML file, composed by hand or shipped."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from simulators.contract.faults import FaultKind

AUTO = "auto"
"""The run chooses what breaks: something that carries traffic, and nothing that another fault touches."""

Audience = Annotated[str, Meta(pattern="^(noc_page|soc_page|pipeline_page|ot_page|ticket|tenant|nobody)$")]
Remediation = Annotated[str, Meta(pattern="^(auto|manual|none)$")]

_HEARD_BY = {
    FaultKind.GATEWAY_DOWN: "noc_page",
    FaultKind.ANTENNA_KNOCKED_OVER: "tenant",
    FaultKind.TERMINAL_POWER_LOST: "tenant",
}


class BadScenario(ValueError):  # noqa: N818 - the error says what is bad, as in house style
    """A scenario that cannot be played: what, where, and how to mend it."""


class FaultSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault as it is asked for.

    Attributes:
        kind: What breaks.
        start_s: Seconds after the start of the run.
        duration_s: How long it stands; left out, it stands until the run ends.
        target: Id of what breaks, or `auto`.
        count: With `auto`, how many break at once; each is a fault of its own.
        remediation: auto, manual or none.
        audience: Who is to hear of it; left out, by kind: a gateway pages the NOC, a terminal tells its tenant.
        page_by_s: Seconds after the start by which a page is due; only where the audience is paged.
        tilt_deg: How far an antenna is knocked over; left out, 35 to 70 at random.
    """

    kind: FaultKind
    start_s: Annotated[float, Meta(ge=0)]
    duration_s: Annotated[float, Meta(gt=0)] | None = None
    target: str = AUTO
    count: Annotated[int, Meta(ge=1, le=10_000)] = 1
    remediation: Remediation = "none"
    audience: Audience | None = None
    page_by_s: Annotated[float, Meta(gt=0)] | None = None
    tilt_deg: Annotated[float, Meta(gt=0, le=90)] | None = None

    def __post_init__(self) -> None:
        if self.target != AUTO and self.count != 1:
            raise ValueError(f"count {self.count} goes with target 'auto'; a named target breaks once")
        if self.tilt_deg is not None and self.kind is not FaultKind.ANTENNA_KNOCKED_OVER:
            raise ValueError(f"tilt_deg says how far an antenna is knocked over; take it out of {self.kind}")
        if self.page_by_s is not None and not self.heard_by.endswith("_page"):
            raise ValueError(f"page_by_s needs an audience that is paged, not {self.heard_by!r}")

    @property
    def heard_by(self) -> str:
        """Who is to hear of it."""
        return self.audience or _HEARD_BY[self.kind]


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named list of faults."""

    name: Annotated[str, Meta(min_length=1)]
    about: str = ""
    fault: tuple[FaultSpec, ...] = ()


def shipped() -> list[str]:
    """Name the scenarios in the package."""
    files = resources.files("simulators").joinpath("scenarios").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def load_scenario(name_or_path: str) -> Scenario:
    """Read a shipped scenario by its name, or any by its path.

    Raises:
        BadScenario: There is none of that name, it is no TOML, or a field is wrong.
    """
    if name_or_path in shipped():
        return parse_scenario(
            resources.files("simulators").joinpath("scenarios", f"{name_or_path}.toml").read_text(encoding="utf-8"),
            name_or_path,
        )
    path = Path(name_or_path)
    if not path.is_file():
        raise BadScenario(
            f"scenario {name_or_path!r} is neither shipped ({', '.join(shipped())}) nor a file: give one of those names"
            " or the path of a TOML file"
        )
    return parse_scenario(path.read_text(encoding="utf-8"), str(path))


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
