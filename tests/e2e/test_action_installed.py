"""The action and the GitLab job with everything that they install, in fresh containers without a network: packages come from a folder.

Fetching and building that folder takes a minute and an index, so this is asked for by name.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.e2e import test_action, test_ci_examples
from tests.support import composite, container
from tests.support.composite import Runner
from tests.support.terminal import ROOT

approved = test_action.approved
copy = test_action.copy
pytestmark = [
    pytest.mark.skipif("CASK_INSTALL" not in os.environ, reason="set CASK_INSTALL=1: fetches packages, and installs them three times"),
    pytest.mark.skipif(not container.possible(), reason="needs user namespaces"),
    pytest.mark.timeout(600),
]
PYTHON: Final = f"{sys.base_prefix}/bin/python{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels of the program, of what it needs and of what builds it."""
    folder = tmp_path_factory.mktemp("wheels")
    pins = ROOT / f"constraints-{sys.version_info[0]}.{sys.version_info[1]}.txt"
    words = [sys.executable, "-m", "pip", "wheel", "-q", "-w", str(folder), "-c", str(pins), str(ROOT), "hatchling>=1.27,<2"]
    subprocess.run(words, check=True, timeout=500)
    return folder


def offline(folder: Path, house: Path) -> Runner:
    return test_action.alone(folder, house).with_env(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(house))


@pytest.mark.parametrize("how", ["from the action's repository", "from a wheel"])
def test_it_installs_and_checks_in_a_fresh_container_without_a_network(how: str, copy: Path, approved: Path, house: Path) -> None:
    given = {"install": str(next(house.glob("caskmcp-*.whl")))} if how == "from a wheel" else {}
    ran = composite.run(test_action.CHECK, offline(copy, house), python=PYTHON, trust_pin=test_action.pin(approved), **given)
    assert ran.exit == 0, ran
    assert ran.outputs["cask"].startswith(str(copy / "temp"))
    assert Path(ran.outputs["comment"]).read_text(encoding="utf-8").startswith("<!-- cask-check -->\n## cask check\n\nClean ")


def test_the_gitlab_job_runs_whole_in_a_fresh_container(copy: Path, approved: Path, house: Path) -> None:
    its = offline(copy, house)
    job = test_ci_examples.JOB
    lines = "\n".join((f'python3() {{ {PYTHON} "$@"; }}', *job["before_script"], *job["script"]))
    env = {**its.env, "CASK_PACKAGE": str(next(house.glob("caskmcp-*.whl"))), "CASK_TRUST_PIN": test_action.pin(approved), "CI": "true"}
    words = [*its.prefix, "bash", "-eo", "pipefail", "-c", lines]
    done = subprocess.run(words, cwd=its.workspace, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (its.workspace / "cask-junit.xml").is_file()
