"""`import caskmcp` and `cask --help` load nothing heavy: the command table names functions, and they are resolved when they run."""

import json
import subprocess
import sys
from typing import Final

import pytest

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


def loaded(code: str) -> tuple[int, set[str]]:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
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
