"""Planned work is said beforehand, and in every shard."""

from ingest.contract.vocabulary import SubjectKind
from simulators.run import Settings
from tests.simulators.lived import live_through

S = 1_000_000_000


def test_a_window_is_announced_before_the_work_and_frames_name_it_from_then_on(tmp_path):
    path = tmp_path / "work.toml"
    path.write_text(
        'name = "work"\n[[fault]]\nkind = "gateway_maintenance"\nstart_s = 20\nduration_s = 10\nannounced_s = 12\n'
    )
    lived = live_through(Settings(terminals=60, minutes=0.6, scenario=str(path), plan_ahead_s=60), tmp_path / "truth")
    start = lived.sky.settings.first_at_ns
    label = lived.labels()["gateway_maintenance"]
    (window,) = lived.controls
    assert (window.subject_kind, window.subject_id) == (SubjectKind.GATEWAY, label["root_id"])
    assert (window.start_at_ns, window.end_at_ns) == (start + 20 * S, start + 30 * S)
    assert label["decoy"]
    assert not label["page"]
    for frame in lived.frames:
        said = frame.header.received_at_ns >= start + 9 * S
        assert frame.header.maintenance_version == said
    effective = [f.columns["effective_at_ns"][0] for f in lived.frames if f.header.kind == "control" and f.rows]
    said_of_work_and_of_the_plans_without_the_gateway = 2 * lived.sky.settings.shard_count
    assert effective.count(start + 8 * S) == said_of_work_and_of_the_plans_without_the_gateway
