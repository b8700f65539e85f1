"""How much a tenant may send: a bucket that fills with time, which is passed in, and may run into debt."""

from dataclasses import dataclass

from ingest.contract.instants import NS_PER_S


@dataclass(slots=True)
class _Bucket:
    samples: float
    filled_at_ns: int


class Allowance:
    """Knows what each tenant may still send.

    What a batch holds is known only once it is read, so a tenant with anything left may send a whole one, and waits until
    its debt is paid.

    Args:
        samples_per_s: What flows into each tenant's bucket.
        burst_samples: What it holds at most.
    """

    def __init__(self, *, samples_per_s: float, burst_samples: float) -> None:
        self._samples_per_s = samples_per_s
        self._burst_samples = burst_samples
        self._buckets: dict[str, _Bucket] = {}

    def wait_s(self, tenant_id: str, at_ns: int) -> float:
        """Return how long a tenant has to wait before it may send; 0 where it may now."""
        return max(0.0, -self._fill(tenant_id, at_ns).samples / self._samples_per_s)

    def charge(self, tenant_id: str, samples_count: int, at_ns: int) -> None:
        """Take what a tenant has sent out of its bucket."""
        self._fill(tenant_id, at_ns).samples -= samples_count

    def _fill(self, tenant_id: str, at_ns: int) -> _Bucket:
        bucket = self._buckets.setdefault(tenant_id, _Bucket(self._burst_samples, at_ns))
        passed_s = max(0, at_ns - bucket.filled_at_ns) / NS_PER_S
        bucket.samples = min(self._burst_samples, bucket.samples + passed_s * self._samples_per_s)
        bucket.filled_at_ns = max(at_ns, bucket.filled_at_ns)
        return bucket
