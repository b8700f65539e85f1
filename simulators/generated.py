"""A random scenario, composed from a seed and written as TOML, to be kept, read and changed by hand."""

import numpy as np

from simulators.contract.faults import FAULTS, FaultType

_FAULT_COUNT = (3, 8)
_DECOY_COUNT = (1, 4)
# Faults begin in the first half, so that a run sees them end.
_BEGIN_RATIO = (0.05, 0.5)
_LASTS_RATIO = (0.1, 0.4)
_WITHIN_S = 20.0
_PAGE_BY_S = 120.0
# Of network events, 96 % need no human (re:Invent 2025, ARC320).
_AUTO_RATIO = 0.96


def generate(seed: int, minutes: float) -> str:
    """Compose a scenario of that length: equal seeds, equal text.

    Args:
        seed: Of everything random in it.
        minutes: Length of the run it is for.
    """
    rng = np.random.default_rng(seed)
    faults = [entry for entry in FAULTS if not entry.decoy]
    decoys = [entry for entry in FAULTS if entry.decoy]
    chosen = [*_some(faults, _FAULT_COUNT, rng), *_some(decoys, _DECOY_COUNT, rng)]
    head = f'name = "generated-{seed}"\nabout = "Composed from seed {seed}."\nminutes = {minutes:g}\n'
    return head + "".join(_fault(entry, minutes * 60.0, rng) for entry in chosen)


def _some(entries: list[FaultType], count: tuple[int, int], rng: np.random.Generator) -> list[FaultType]:
    """Choose some kinds, each once."""
    places = rng.permutation(len(entries))[: int(rng.integers(*count, endpoint=True))]
    return [entries[place] for place in places.tolist()]


def _fault(entry: FaultType, length_s: float, rng: np.random.Generator) -> str:
    begin_s = length_s * rng.uniform(*_BEGIN_RATIO)
    lines = [
        f'kind = "{entry.kind}"',
        f"start_s = {begin_s:.1f}",
        f"duration_s = {max(1.0, length_s * rng.uniform(*_LASTS_RATIO)):.1f}",
    ]
    is_mended = rng.random() < _AUTO_RATIO
    if entry.root == "gateway" and entry.audience == "noc_page" and is_mended:
        lines += ['remediation = "auto"', f"remediation_after_s = {_WITHIN_S:g}", 'audience = "nobody"']
    elif entry.audience.endswith("_page"):
        lines.append(f"page_by_s = {_PAGE_BY_S:g}")
    return "\n[[fault]]\n" + "\n".join(lines) + "\n"
