"""`tests/golden/storefront/`: what our own pipeline makes of the example project, for reviewers to read and for tests to compare.

`toolpack.yaml` is left out: it names the toolchain, which changes with every edit of the compiler.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT: Final = ROOT / "fixtures" / "projects" / "storefront"
GOLDEN: Final = "tests/golden/storefront"


def files() -> dict[str, bytes]:
    """The artifacts and the pending lock of a build from the sources, in a scratch folder without any cache."""
    with TemporaryDirectory() as scratch:
        project = Path(scratch) / "project"
        shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(".caskmcp"))
        command = [sys.executable, "-m", "caskmcp", "build", "--plain"]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(Path(scratch) / "config")}
        subprocess.run(command, cwd=project, env=env, check=True, capture_output=True)
        pack = project / ".caskmcp" / "toolpacks" / "storefront"
        found = sorted(path for folder in ("artifact", "lockfile") for path in (pack / folder).rglob("*") if path.is_file())
        return {f"{GOLDEN}/{path.relative_to(pack).as_posix()}": path.read_bytes() for path in found}
