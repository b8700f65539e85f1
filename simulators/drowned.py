"""What the control plane sees for itself: gateways whose feeder links rain has drowned, whatever sent the rain."""

from collections.abc import Sequence

import numpy as np

from ingest.contract.instants import NS_PER_S
from simulators.faults import Fault
from simulators.feeders import feeders_of
from simulators.network_conditions import NEVER_NS, Bools, GatewayConditions

EVERY_NS = 10 * NS_PER_S
# So long a gateway must have been deaf, or hear again, before it is acted upon (assumed, as the remediation of faults).
ACTS_AFTER_NS = 60 * NS_PER_S


class Drowned:
    """Gateways that are planned without, since nothing reaches them though they run.

    What is to be done about a gateway's own fault, its scenario says; such a gateway is left alone while it stands.

    Attributes:
        known: Which they are.
    """

    def __init__(self, gateway_count: int, faults: Sequence[Fault]) -> None:
        self.known: Bools = np.zeros(gateway_count, dtype=np.bool_)
        self._turned_at_ns = np.full(gateway_count, NEVER_NS, dtype=np.int64)
        self._own = [fault for fault in faults if fault.spec.type.root == "gateway"]

    def look(self, at_ns: int, gateways: GatewayConditions) -> Bools:
        """Look where it is due; return those that have been otherwise than known for long enough."""
        if at_ns % EVERY_NS:
            return np.zeros(len(self.known), dtype=np.bool_)
        runs = gateways.up & gateways.hpa_on & (gateways.antennas_in_service > 0)
        deaf = runs & (feeders_of(gateways).hearing_antennas == 0)
        deaf[[fault.root_index for fault in self._own if _stands(fault, at_ns)]] = False
        self._turned_at_ns = np.where(deaf == self.known, NEVER_NS, np.minimum(self._turned_at_ns, at_ns))
        due: Bools = self._turned_at_ns <= at_ns - ACTS_AFTER_NS
        self.known = self.known ^ due
        return due


def _stands(fault: Fault, at_ns: int) -> bool:
    return fault.started_at_ns <= at_ns and (fault.ended_at_ns is None or at_ns < fault.ended_at_ns)
