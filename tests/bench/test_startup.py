"""What a command costs before it does anything, paired with the import that it cannot do without."""

import sys
from pathlib import Path

import pytest

from tests.support.paired import paired
from tests.support.terminal import CASK, environment


@pytest.mark.slow
def test_help_takes_at_most_half_more_than_importing_click(tmp_path: Path) -> None:
    times = paired([*CASK, "--help"], [sys.executable, "-c", "import click"], cwd=tmp_path, env=environment(tmp_path))
    assert times.ratio <= 1.5, str(times)
