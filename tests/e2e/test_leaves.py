"""Formats, enums, lower bounds and null of two real applications, compared with the documents that these serve themselves.

What counts as *told by the traffic* is defined in `tests/support/leaves.py`. CASK_SHARED names the folder that holds `truth/`.
"""

import json
import os
from pathlib import Path

import pytest

from caskmcp.analyze.fields import fields
from caskmcp.compiler.infer.rules import BY_ID
from caskmcp.model.contract import Contracts
from tests.support.desk import Desk
from tests.support.leaves import FACTS, compare

SHARED = Path(os.environ.get("CASK_SHARED", "/nonexistent"))
APPLICATIONS = ("prefect", "labelstudio")
TOOLS = {"prefect": "filter_flows.flows", "labelstudio": "list_projects.results.id"}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (SHARED / "truth").is_dir(), reason="CASK_SHARED names no folder with recordings of real applications"),
]


@pytest.fixture(scope="module")
def desks(tmp_path_factory):
    return {name: _minted(name, tmp_path_factory.mktemp(name)) for name in APPLICATIONS}


def _minted(name, folder):
    desk = Desk.at(folder)
    (desk.project / "app.har.gz").write_bytes((SHARED / "truth" / name / "recording_a.har.gz").read_bytes())
    assert desk.cask("mint", "app.har.gz", "-a", f"{name}.truth.test", "--name", "shop").status == 0
    return desk


@pytest.fixture(scope="module")
def figures(desks):
    return {name: compare(SHARED / "truth" / name, desk.project / ".caskmcp/toolpacks/shop") for name, desk in desks.items()}


@pytest.mark.parametrize("fact", FACTS)
def test_what_the_traffic_tells_is_said_and_what_is_said_is_true(figures, fact):
    found = [figures[name][fact]["told"] for name in APPLICATIONS]
    stated, ours = sum(row["stated"] for row in found), sum(row["ours"] for row in found)
    assert ours > 0
    assert sum(row["both"] for row in found) >= 0.8 * stated
    assert sum(row["right"] for row in found) >= 0.95 * ours


@pytest.mark.parametrize("name", APPLICATIONS)
def test_every_leaf_of_every_tool_has_counts_kinds_of_source_and_rules(desks, name):
    contracts = Contracts.from_yaml(desks[name].artifact("contracts.yaml"), "contracts.yaml").contracts
    rows = [row for contract in contracts for row in fields(contract)]
    assert len(rows) > 1000
    assert [str(row.place) for row in rows if not row.evidence.sources or row.evidence.seen > row.evidence.total] == []
    assert [str(row.place) for row in rows if row.presence not in BY_ID or not set(row.reasons) <= BY_ID.keys()] == []
    unseen = [row for row in rows if not row.evidence.seen]
    assert {row.presence for row in unseen} <= {"shared"}
    said = json.loads(desks[name].cask("explain", TOOLS[name], "--format", "json").out)
    assert [row["place"] for row in said["fields"]]
    assert all(row["sources"] == ["traffic"] and row["seen"] <= row["total"] for row in said["fields"])


@pytest.mark.parametrize("name", APPLICATIONS)
def test_nothing_that_is_said_is_contradicted_by_more_than_a_twentieth_of_the_leaves(figures, name):
    for fact in FACTS:
        assert len(figures[name][fact]["wrong"]) <= figures[name][fact]["told"]["ours"] / 20, fact
