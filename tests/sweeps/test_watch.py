"""Jobs that end are said once."""

from aa.runs.outcomes import write_outcome
from aa.sweeps.watch import Watch


def test_each_job_that_ends_is_one_line(tmp_path):
    said = []
    for name in ("0_a", "1_b"):
        (tmp_path / name).mkdir()
    write_outcome(tmp_path / "0_a", seconds=1.0)
    watch = Watch(tmp_path, said.append)
    write_outcome(tmp_path / "1_b", seconds=61.2, error="no\nroom", code=2)
    watch.look()
    watch.look()
    assert said == ["1_b: failed: no room (61 s)"]
