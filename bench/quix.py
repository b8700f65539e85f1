"""The same job in Quix Streams, in a virtual environment of its own: `python -m bench.quix BROKER SAMPLES`."""

import sys
import tempfile
from typing import Any

from quixstreams import Application  # type: ignore[import-not-found] # it lives in an environment of its own

from bench.stopwatch import Stopwatch

SOURCE, FOUND = "bench.samples", "bench.quix"


def main(broker: str, sample_count: int) -> None:
    """Find the handovers of so many samples."""
    app = Application(
        broker_address=broker,
        consumer_group="bench-quix",
        auto_offset_reset="earliest",
        loglevel="ERROR",
        state_dir=tempfile.mkdtemp(prefix="bench-quix-"),
    )
    stopwatch = Stopwatch(sample_count)
    passed_count = 0

    def notice(sample: dict[str, Any], state: Any) -> list[dict[str, Any]]:
        nonlocal passed_count
        passed_count += 1
        if stopwatch.is_over(passed_count):
            stopwatch.report()
            app.stop()
        before = state.get("serving")
        if before == sample["satellite"]:
            return []
        state.set("serving", sample["satellite"])
        if before is None:
            return []
        return [{"terminal": sample["terminal"], "at_ns": sample["at_ns"], "from": before, "to": sample["satellite"]}]

    frame = app.dataframe(app.topic(SOURCE, value_deserializer="json"))
    frame.apply(notice, stateful=True, expand=True).to_topic(app.topic(FOUND, value_serializer="json"))
    app.run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
