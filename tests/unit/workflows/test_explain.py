"""`cask explain` on the example project: what stands behind each tool and each field, from committed artifacts alone."""

import json
import shutil
from pathlib import Path

import pytest

from caskmcp.analyze.fields import fields
from caskmcp.compiler.infer.rules import BY_ID
from caskmcp.errors import CaskError
from caskmcp.govern import offer, sign
from caskmcp.model.contract import Contracts
from caskmcp.model.decision import Decision
from caskmcp.model.tool import Tools
from caskmcp.ports import Files
from caskmcp.report.text import render
from caskmcp.store.layout import Pack
from caskmcp.workflows import explain, why
from tests.support import packs
from tests.support.audited import decided, journal
from tests.support.builds import PACK, built
from tests.support.world import world

EXAMPLE = Path(__file__).parents[3] / "fixtures" / "projects" / "storefront"
OURS = "sha256:"
DENIED = Decision(verdict="deny", step="policy", rule="no-orders", code="CASK-R004")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, built, and everything that is not committed taken away."""
    folder = tmp_path_factory.mktemp("explain") / "shop"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".caskmcp"))
    built(folder)
    for private in ("captures", ".caskmcp/captures", ".caskmcp/state", ".caskmcp/cache"):
        shutil.rmtree(folder / private, ignore_errors=True)
    return folder


def tools(shop: Path) -> tuple[str, ...]:
    return tuple(row.name for row in Tools.from_json((shop / PACK / "artifact/tools.json").read_bytes(), "tools.json").tools)


def test_a_tool_says_its_tier_with_rules_and_evidence_its_scope_and_its_captures(shop: Path) -> None:
    report = explain.run(world(shop), "list_orders")
    assert (report.summary["risk"], report.summary["effect"]) == ("medium", "read")
    assert report.summary["scope"] == "orders:read"
    assert report.summary["status"] == "pending"
    assert report.summary["sources"] == ["traffic"]
    assert [row["rule"] for row in report.tables["reasons"]] == ["credential-answer", "pii-answer", "read-method"]
    assert all(row["evidence"] and row["why"] for row in report.tables["reasons"])
    assert all(row["part"].startswith(OURS) and row["exchanges"] > 0 for row in report.tables["captures"])
    assert sum(row["exchanges"] for row in report.tables["statuses"]) == report.summary["total"]


def test_a_field_says_how_often_it_was_seen_of_which_kinds_and_by_which_rule(shop: Path) -> None:
    report = explain.run(world(shop), "list_orders.status")
    rows = {row["place"]: row for row in report.tables["fields"]}
    query = rows["query status"]
    assert (query["need"], query["rules"], query["argument"]) == ("never-from-traffic", ["closed-vocabulary"], "status")
    assert (query["seen"], query["total"], query["values"]) == (9, 9, "string 9")
    assert (rows["answer 200 application/json /data/*/status"]["seen"], rows.keys() - {"query status"}) == (
        15,
        {"answer 200 application/json /data/*/status"},
    )
    (capture,) = [row for row in report.tables["captures"] if row["place"] == "query status"]
    assert capture["seen"] == query["seen"]
    assert {"rule": "never-from-traffic", "decides": "optional", "why": BY_ID["never-from-traffic"].why} in report.tables["rules"]
    (ends,) = [row for row in report.tables["first_and_last"] if row["place"] == "query status"]
    assert (ends["first"], ends["last"], ends["of"]) == (capture["part"], capture["part"], 1)


def approve(files: Files, pack: Pack) -> None:
    """Everything, as T1."""
    root = packs.root(packs.T1, toolpack=pack.path.name)
    read = packs.with_roots(offer.read(files, pack), sign.sign_root(root, packs.T1))
    approved = packs.approve(read, *offer.parse(read).contents)
    files.write(pack.trust_root(1), approved.roots[0])
    files.write(pack.lock, approved.lock or b"")


@pytest.mark.feature(104)
def test_tool_field_and_decision_each_name_rule_evidence_captures_and_signer(shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(shop, folder)
    of, pack = world(folder), Pack(folder / PACK)
    approve(of.files, pack)
    record = journal(folder / ".caskmcp/state/audit")
    record.append(decided(1, toolpack=pack.path.name, tool="list_orders", decision=DENIED), durable=True)
    tool, field, decision = explain.run(of, "list_orders"), explain.run(of, "list_orders.status"), why.run(of, f"{1:016x}")
    captures = {row["part"] for row in tool.tables["captures"]}
    assert (tool.summary["status"], tool.summary["approved_by"]) == ("approved", ["t1"])
    assert captures
    assert [row["rule"] for row in tool.tables["reasons"]] == ["credential-answer", "pii-answer", "read-method"]
    assert "closed-vocabulary" in {row["rule"] for row in field.tables["rules"]}
    assert {row["part"] for row in field.tables["captures"]} <= captures
    says = {row["what"]: row["says"] for row in decision.tables["why"]}
    assert says["rule"] == "no-orders"
    assert says["approved"].startswith("approved, signed by t1; its content is sha256:")
    assert says["evidence"] == f"{tool.summary['operation']} in {', '.join(sorted(captures))}; `cask explain` tells more"


@pytest.mark.feature(30)
def test_every_field_of_every_tool_has_counts_and_kinds_of_source_and_can_be_asked_for(shop: Path) -> None:
    contracts = {
        row.id: row for row in Contracts.from_yaml((shop / PACK / "artifact/contracts.yaml").read_bytes(), "contracts.yaml").contracts
    }
    asked = 0
    for name in tools(shop):
        report = explain.run(world(shop), name)
        rows = report.tables["fields"]
        assert len(rows) == len(fields(contracts[report.summary["operation"]]))
        for row in rows:
            assert set(row["sources"]) <= {"traffic", "spec", "collection", "compiled"}
            assert row["sources"]
            assert 0 <= row["seen"] <= row["total"]
            assert row["need"] in BY_ID
            assert set(row["rules"]) <= BY_ID.keys()
        # Of each tool its last field, so that all kinds of places are asked for without asking for all.
        (one,) = explain.run(world(shop), f"{name}.{rows[-1]['place']}").tables["fields"]
        assert {key: one[key] for key in rows[-1]} == rows[-1]
        asked += 1
    assert asked == len(contracts) - 1  # `GET /metrics` is excluded


def test_what_a_document_alone_says_has_the_document_as_its_source(shop: Path) -> None:
    rows = explain.run(world(shop), "create_return").tables["fields"]
    assert {(tuple(row["sources"]), row["seen"]) for row in rows} == {(("spec",), 0)}
    assert {rule for row in rows for rule in row["rules"]} == {"stated"}


def test_the_text_form_reads_as_tables(shop: Path) -> None:
    text = render(explain.run(world(shop), "list_orders.status"))
    assert "query status" in text
    assert "never-from-traffic  optional" in text


def test_the_json_form_is_one_object(shop: Path) -> None:
    value = explain.run(world(shop), "list_orders").json_value()
    assert value["schema"] == "caskmcp/explain/1"
    assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("list_order", "near it: list_orders"),
        ("nonsense", "there is no tool `nonsense`"),
        ("list_orders.statsu", "near it: status"),
        ("list_orders.zzz", "has no field `zzz`"),
        ("list_orders.", "has no field ``"),
        ("GET api.shop.example/metrics", "excluded by `tools.exclude`"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is_near(shop: Path, subject: str, said: str) -> None:
    with pytest.raises(CaskError, match="CASK-I010") as caught:
        explain.run(world(shop), subject)
    assert said in str(caught.value)


def test_a_toolpack_without_contracts_says_what_to_emit(shop: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(shop, copy)
    (copy / PACK / "artifact/contracts.yaml").unlink()
    with pytest.raises(CaskError, match="CASK-I002") as caught:
        explain.run(world(copy), "list_orders")
    assert "emit:" in str(caught.value.mend)


def test_a_toolpack_without_observations_still_names_its_captures(shop: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(shop, copy)
    (copy / PACK / "artifact/observations.json").unlink()
    report = explain.run(world(copy), "list_orders.status")
    assert [row["exchanges"] for row in report.tables["captures"]] == [9]
    assert report.tables["first_and_last"] == ()
