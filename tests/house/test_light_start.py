"""`import caskmcp` and `cask --help` load nothing heavy: the command table names functions, and they are resolved when they run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.capturing import entry, har
from tests.support.syntax import ROOT

HEAVY: Final = frozenset(
    {
        "mcp",
        "pydantic",
        "yaml",
        "doit",
        "cryptography",
        "jsonschema",
        "jsonschema_rs",
        "rich",
        "textual",
        "genson",
        "msgspec",
        "jinja2",
        "limits",
        "re2",
        "httpcore2",
    }
)
HELP: Final = """
import json, sys
sys.argv = ["cask", "--help"]
try:
    from caskmcp.cli.main import main
    status = main()
except SystemExit as end:
    status = end.code
sys.stderr.write("\\n" + json.dumps([status or 0, sorted({name.split(".")[0] for name in sys.modules})]))
"""


BUILD: Final = HELP.replace('"--help"', '"build"')


def loaded(code: str, cwd: Path = ROOT) -> tuple[int, set[str]]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, env=env, capture_output=True, text=True, check=True)
    status, names = json.loads(done.stderr.rsplit("\n", 1)[-1])
    return status, set(names)


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import json, sys, caskmcp; sys.stderr.write(json.dumps([0, sorted({name.split('.')[0] for name in sys.modules})]))"
    assert loaded(code)[1] & HEAVY == set()


@pytest.mark.skipif(not (ROOT / "caskmcp" / "cli" / "main.py").is_file(), reason="there is no command line yet")
def test_help_loads_nothing_heavy() -> None:
    status, names = loaded(HELP)
    assert status == 0
    assert "click" in names
    assert names & HEAVY == set()


@pytest.mark.feature(51)
def test_a_build_with_nothing_to_do_reads_an_index_and_loads_nothing_heavy(tmp_path: Path) -> None:
    one = entry("https://api.example.com/orders/1", answer={"id": 1})
    for number in range(30):
        (tmp_path / f"{number}.har").write_bytes(har(one, {**one, "startedDateTime": str(number)}, *[one] * number))
    (tmp_path / "cask.yaml").write_text("version: 1\nhosts: [api.example.com]\nsources: [{har: '*.har'}]\n")
    first, names = loaded(BUILD, tmp_path)
    assert first == 0
    assert {"doit", "pydantic", "yaml"} <= names
    assert loaded(BUILD, tmp_path)[1] & HEAVY == set()


def test_taking_a_recording_loads_nothing_of_a_build(tmp_path: Path) -> None:
    (tmp_path / "shop.har").write_bytes(har(entry("https://api.example.com/orders/1", answer={"id": 1})))
    code = BUILD.replace('"build"', '"capture", "import", "shop.har", "-a", "api.example.com"').replace(
        'name.split(".")[0] for name', "name for name"
    )
    status, names = loaded(code, tmp_path)
    assert status == 0
    assert {"caskmcp.workflows.capture", "caskmcp.compiler.capture.stage"} <= names
    assert names & {"caskmcp.workflows.build", "caskmcp.workflows.gather", "caskmcp.model.contract", "caskmcp.model.observation"} == set()
