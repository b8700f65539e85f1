"""Rendering: what is committed is what the code says."""

from pathlib import Path

from dashboards.render import GENERATED, files, render

ROOT = Path(__file__).parents[2]


def test_the_committed_files_are_fresh():
    assert render(ROOT, check=True) == []


def test_a_check_names_what_is_missing_changed_or_left_over_and_touches_nothing(tmp_path):
    render(tmp_path, check=False)
    changed, missing, left_over = (
        tmp_path / GENERATED / name for name in ("alertmanager.yml", "boards/fleet.json", "rules/old.rules.yml")
    )
    changed.write_text("route: {}\n")
    missing.unlink()
    left_over.write_text("groups: []\n")

    assert render(tmp_path, check=True) == sorted(
        str(path.relative_to(tmp_path)) for path in (changed, missing, left_over)
    )
    assert (changed.read_text(), missing.exists(), left_over.exists()) == ("route: {}\n", False, True)


def test_rendering_writes_all_removes_what_the_code_no_longer_makes_and_is_then_content(tmp_path):
    left_over = tmp_path / GENERATED / "boards/old.json"
    left_over.parent.mkdir(parents=True)
    left_over.write_text("{}\n")

    assert set(render(tmp_path, check=False)) == {*files(), str(left_over.relative_to(tmp_path))}
    assert not left_over.exists()
    assert render(tmp_path, check=False) == []
