"""The topics that the sky writes of itself: truth, and only where somebody asks for it.

The workers' Kafka principal may not read them (an ACL that denies `truth.`, prefixed): what is judged must not know the answer.
"""

from ingest.contract.topics import DAY_S, Topic
from simulators.contract.truth import TABLES

TRUTH_LABELS = Topic(
    name="truth.labels.v1",
    key="label id",
    value="JSON, one label",
    retention_s=7 * DAY_S,
    description="Faults that were simulated; closed to the workers' principal.",
)
# One for each table of the truth files.
TRUTH_TABLES = {
    name: Topic(
        name=f"truth.{name}.v1",
        key="id",
        value="JSON, one row",
        retention_s=7 * DAY_S,
        description=f"Rows of {name}.parquet of the truth files; closed to the workers' principal.",
    )
    for name in TABLES
}

TRUTH_TOPICS = (TRUTH_LABELS, *TRUTH_TABLES.values())
