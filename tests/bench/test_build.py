"""What a build costs, paired with something that the same machine does in the same moments."""

import sys
from pathlib import Path

import pytest

from tests.support.builds import shop
from tests.support.paired import paired
from tests.support.terminal import CASK, environment


@pytest.mark.slow
@pytest.mark.feature(51)
def test_a_build_with_nothing_to_do_takes_at_most_twice_the_import_of_doit(tmp_path: Path) -> None:
    folder, env = shop(tmp_path / "shop"), environment(tmp_path)
    first = paired([*CASK, "build"], [sys.executable, "-c", "pass"], cwd=folder, env=env, rounds=1)
    assert first.ours[0] < 5
    times = paired([*CASK, "build"], [sys.executable, "-c", "import doit"], cwd=folder, env=env)
    assert times.ratio <= 2, str(times)
