"""Times a contestant from its first samples to its last, by the wall and by its CPU, and writes one JSON object."""

import json
import os
import resource
import time
from pathlib import Path

# Where the figures go: an engine's stdout belongs to the engine.
RESULT = "BENCH_RESULT"


class Stopwatch:
    """Started by the first samples, which do not count: what they cost was paid before.

    Args:
        sample_count: How many samples there are to pass, the first ones included.
    """

    def __init__(self, sample_count: int) -> None:
        self._sample_count = sample_count
        self._first_count = 0
        self._began_wall_s = 0.0
        self._began_cpu_s = 0.0

    def is_over(self, passed_count: int) -> bool:
        """Take note of how many have passed in all; say whether those were the last."""
        if passed_count and not self._first_count:
            self._first_count = passed_count
            self._began_wall_s, self._began_cpu_s = time.perf_counter(), time.process_time()
        return passed_count >= self._sample_count

    def report(self, **facts: float) -> None:
        """Write what it took."""
        wall_s = time.perf_counter() - self._began_wall_s
        cpu_s = time.process_time() - self._began_cpu_s
        timed_count = self._sample_count - self._first_count
        found = {
            "samples_per_s": round(timed_count / wall_s),
            "cpu_s_per_million": round(cpu_s / timed_count * 1e6, 3),
            "cpu_share": round(cpu_s / wall_s, 2),
            "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            **facts,
        }
        Path(os.environ[RESULT]).write_text(json.dumps(found))
