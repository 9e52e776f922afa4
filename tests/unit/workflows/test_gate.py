"""`cask gate` on a toolpack that was really built: what needs a person, what works anywhere, what each command says."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caskmcp import text
from caskmcp.errors import CaskError
from caskmcp.govern import admit, keys, offer, pins
from caskmcp.govern.trust import root_digest
from caskmcp.model.finding import Report
from caskmcp.model.pack import AdmittedPack
from caskmcp.model.trust import Pin
from caskmcp.ports import World
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack, Root
from caskmcp.workflows import block, build, gate, trust
from tests.support import packs
from tests.support.world import NOON, ScriptedConsole, world

PASS = ("Passphrase for alice:", "word")
NAME = ("Type `shop` to sign:", "shop")
SPEC = Path(__file__).with_name("shop.yaml").read_text(encoding="utf-8")
MANIFEST = """\
version: 1
name: shop
hosts: [api.shop.example]
sources: [{openapi: shop.yaml}]
auth: {api.shop.example: {scheme: bearer, from: env:SHOP_TOKEN}}
environments: {local: {api.shop.example: {url: "http://127.0.0.1:8080", private: true}}}
toolsets: {support: {include: ["list_*", get_order]}}
"""
SHARED = ["auth:api.shop.example", "env:local", "policy"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was built, with alice's key and her trust root pinned; nothing is approved."""
    folder = tmp_path_factory.mktemp("built")
    project = folder / "project"
    project.mkdir()
    (project / "cask.yaml").write_text(MANIFEST, encoding="utf-8")
    (project / "shop.yaml").write_text(SPEC, encoding="utf-8")
    here = world(project, console=ScriptedConsole([PASS]))
    build.run(here)
    keys.save(LocalFiles(), here.config, packs.signer("alice"), "word")
    trust.init(here, key="alice", replace=False)
    return folder


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cwd = folder / "project"
        self.pack: Pack = Root(self.cwd / ".caskmcp").pack("shop")

    def world(self, *answers: tuple[str, str], interactive: bool = False, at: str = NOON) -> World:
        return world(self.cwd, console=ScriptedConsole(answers, interactive=interactive or bool(answers)), at=at)

    def allow(self, *names: str, answers: tuple[tuple[str, str], ...] = (PASS, NAME), **more: Any) -> Report:
        return gate.allow(self.world(*answers, interactive=True), subjects=names, everything=not names, **more)

    def status(self, at: str = NOON) -> dict[str, str]:
        report = gate.status(self.world(at=at))
        return {row["id"]: row["status"] for row in (*report.tables["tools"], *report.tables["shared"])}

    def admitted(self) -> AdmittedPack:
        here = self.world()
        files = offer.read(here.files, self.pack)
        return admit.admit(files, pin=pins.stored(here.files, here.config, "shop"), condition=None, environment=None, at=NOON)

    def tree(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in self.folder.rglob("*") if path.is_file() and not path.match("*lock")}


@pytest.fixture
def desk(built: Path, tmp_path: Path) -> Desk:
    for name in ("project", "project-config"):
        shutil.copytree(built / name, tmp_path / name)
    return Desk(tmp_path)


def refused(call: object) -> CaskError:
    assert callable(call)
    with pytest.raises(CaskError) as caught:
        call()
    return caught.value


TOOLS = ["create_order", "delete_order", "get_order", "list_orders", "refund_payment"]


def test_the_example_holds_a_tool_of_each_kind(desk: Desk) -> None:
    rows = {row["id"]: row["risk"] for row in gate.status(desk.world()).tables["tools"]}
    assert list(rows) == TOOLS
    assert {rows["list_orders"], rows["create_order"]} <= {"safe", "low", "medium"}
    assert {rows["delete_order"], rows["refund_payment"]} <= {"high", "critical"}


# ---------------------------------------------------------------- allow
@pytest.mark.feature(58)
def test_all_that_waits_is_approved_and_served(desk: Desk) -> None:
    report = desk.allow(reason="first review")
    assert report.exit == 0
    assert {"get_order", "list_orders", "create_order"} <= set(desk.admitted().tools)
    assert desk.status()["policy"] == "approved"


@pytest.mark.feature(56)
def test_without_a_terminal_nothing_is_approved_whatever_is_given(desk: Desk) -> None:
    before = desk.tree()
    here = replace(desk.world(PASS, NAME), console=ScriptedConsole([PASS, NAME], interactive=False), environ={"CI": "1"})
    for call in (
        lambda: gate.allow(here, subjects=(), everything=True, reason="x", key="alice"),
        lambda: gate.allow(here, subjects=("nothing",), everything=False, expires="nonsense"),
        lambda: gate.allow(here, subjects=(), everything=False),
        lambda: gate.snapshot(here),
    ):
        assert refused(call).code == "CASK-A001"
    assert desk.tree() == before


def test_naming_nothing_is_a_usage_error(desk: Desk) -> None:
    assert refused(lambda: gate.allow(desk.world(interactive=True), subjects=(), everything=False)).code == "CASK-I001"


@pytest.mark.parametrize(
    "name", ["tools.json", "policy.yaml", "toolsets.yaml", "auth.yaml", "environments.yaml", "baseline.json", "observations.json"]
)
def test_an_artifact_that_was_edited_is_found_before_anything_is_shown_or_asked(desk: Desk, name: str) -> None:
    path = desk.pack.artifact(name)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"shop", b"evil", 1) if b"shop" in data else data + b"\n")
    console = ScriptedConsole([PASS, NAME])
    error = refused(lambda: gate.allow(replace(desk.world(), console=console), subjects=(), everything=True, reason="x"))
    assert (error.code, error.exit, error.mend) == ("CASK-L006", 4, "cask build")
    assert console.asked == console.notes == []
    assert not desk.pack.lock.exists()


@pytest.mark.feature(51)
def test_a_poisoned_cache_does_not_fool_the_approval(desk: Desk) -> None:
    """d-20: the blob behind an artifact is replaced, and the artifact with it; deriving again uses neither."""
    path = desk.pack.artifact("tools.json")
    poisoned = path.read_bytes().replace(b"changes nothing", b"allows nothing!")
    assert poisoned != path.read_bytes()
    hits = [blob for blob in (desk.cwd / ".caskmcp" / "cache").rglob("*") if blob.is_file() and blob.read_bytes() == path.read_bytes()]
    assert hits, "the cache holds the artifact as a blob"
    for blob in hits:
        blob.chmod(0o600)
        blob.write_bytes(poisoned)
    path.write_bytes(poisoned)
    assert refused(lambda: desk.allow(answers=(), reason="x")).code == "CASK-L006"


# ---------------------------------------------------------------- block
def test_a_block_needs_neither_key_nor_terminal_and_holds_at_once(desk: Desk) -> None:
    desk.allow(reason="x")
    report = block.block(desk.world(), subjects=("get_order", "policy"), reason="wrong data")
    assert report.exit == 0
    assert desk.admitted().tools == {}
    assert desk.status()["get_order"] == desk.status()["policy"] == "rejected"
    assert gate.status(desk.world()).findings[0].message == "blocked: wrong data"


def test_a_block_holds_until_a_newer_approval(desk: Desk) -> None:
    desk.allow(reason="x")
    block.block(desk.world(), subjects=("get_order",))
    assert "get_order" not in desk.admitted().tools
    desk.allow(reason="x", answers=())
    assert "get_order" not in desk.admitted().tools, "--all does not lift it"
    desk.allow("get_order")
    assert "get_order" in desk.admitted().tools
    block.block(desk.world(), subjects=("get_order",))
    assert "get_order" not in desk.admitted().tools


def test_a_block_works_before_anything_was_approved(desk: Desk) -> None:
    block.block(desk.world(), subjects=("tool:get_order",))
    assert desk.status()["get_order"] == "rejected"
    desk.allow(reason="x")
    assert "get_order" not in desk.admitted().tools


def test_a_block_stands_above_a_forged_sequence(desk: Desk) -> None:
    desk.allow(reason="x")
    value = text.parse_yaml(desk.pack.lock.read_bytes(), "lock").value
    value["subjects"]["tool:get_order"][0]["statement"]["sequence"] = 2**53 - 1
    desk.pack.lock.write_bytes(text.dump_yaml(value))
    block.block(desk.world(), subjects=("get_order",))
    assert "get_order" not in desk.admitted().tools


def test_blocking_what_is_not_here_is_an_error(desk: Desk) -> None:
    assert refused(lambda: block.block(desk.world(), subjects=("nothing",))).code == "CASK-I010"
    assert refused(lambda: block.block(desk.world(), subjects=())).code == "CASK-I001"
    assert not desk.pack.lock.exists()


@pytest.mark.feature(58)
def test_a_block_reaches_by_pattern_toolset_and_tier_upward(desk: Desk) -> None:
    assert [row["subject"] for row in block.block(desk.world(), subjects=("*_order",)).tables["blocked"]] == [
        "tool:create_order",
        "tool:delete_order",
        "tool:get_order",
    ]
    assert [row["subject"] for row in block.block(desk.world(), subjects=(), toolset="support").tables["blocked"]] == [
        "tool:get_order",
        "tool:list_orders",
    ]
    risks = {row["id"]: row["risk"] for row in gate.status(desk.world()).tables["tools"]}
    found = [row["subject"] for row in block.block(desk.world(), subjects=(), risk="high").tables["blocked"]]
    assert found == [f"tool:{name}" for name in TOOLS if risks[name] in ("high", "critical")]
    both = block.block(desk.world(), subjects=("*order*",), toolset="support", risk="high")
    assert both.summary["blocked"] == 0, "what is named is narrowed by both"
    for words in ({"subjects": ("nothing_*",)}, {"subjects": (), "toolset": "mine"}):
        assert refused(lambda words=words: block.block(desk.world(), **words)).code == "CASK-I010"


def test_rejected_stays_rejected_across_rebuilds_until_the_content_changes(desk: Desk) -> None:
    desk.allow(reason="x")
    block.block(desk.world(), subjects=("get_order", "list_orders"), reason="wrong data")
    rebuilt_with(desk, "list_orders", "Lists every order, reworded")
    found = desk.status()
    assert (found["get_order"], found["list_orders"]) == ("rejected", "pending")
    row = next(row for row in gate.status(desk.world()).findings if row.subject == "tool:list_orders")
    assert (row.code, row.message) == ("CASK-L008", "changed since it was blocked: wrong data")
    assert {"get_order", "list_orders"} & set(desk.admitted().tools) == set(), "what was approved before stays void"
    left = {row.subject: row.message for row in desk.allow(answers=(), reason="x").findings}
    assert left["tool:list_orders"] == "left out: changed since it was blocked: wrong data; a block is lifted by name alone"
    desk.allow("list_orders")
    assert "list_orders" in desk.admitted().tools
    (desk.cwd / "shop.yaml").write_text(SPEC, encoding="utf-8")
    build.run(desk.world())
    assert desk.status()["list_orders"] == "pending", "it was approved as it is not any more"


# ---------------------------------------------------------------- a signed block
def test_a_signed_block_needs_a_person_and_a_key_that_the_trust_root_knows(desk: Desk) -> None:
    desk.allow(reason="x")
    before = desk.pack.lock.read_bytes()
    assert refused(lambda: block.block(desk.world(), subjects=("get_order",), key="alice")).code == "CASK-A001"
    keys.save(LocalFiles(), desk.world().config, packs.signer("bob"), "word")
    asked = desk.world(("Passphrase for bob:", "word"))
    assert refused(lambda: block.block(asked, subjects=("get_order",), key="bob")).code == "CASK-K002"
    wrong = desk.world(("Passphrase for alice:", "ward"))
    assert refused(lambda: block.block(wrong, subjects=("get_order",), key="alice")).code == "CASK-K002"
    assert desk.pack.lock.read_bytes() == before


@pytest.mark.parametrize("signed", [True, False])
def test_a_signed_block_is_missed_when_it_is_cut_out_and_an_unsigned_one_is_not(desk: Desk, signed: bool) -> None:
    desk.allow(reason="x")
    before = desk.pack.lock.read_bytes()
    here = desk.world(PASS) if signed else desk.world()
    block.block(here, subjects=("get_order",), reason="leaks", key="alice" if signed else None)
    assert desk.status()["get_order"] == "rejected"
    desk.pack.lock.write_bytes(before)
    assert desk.status()["get_order"] == ("invalid" if signed else "approved")
    assert ("get_order" in desk.admitted().tools) is not signed


def test_a_signed_block_verifies_and_its_forgery_takes_the_tool_away_as_well(desk: Desk) -> None:
    desk.allow(reason="x")
    block.block(desk.world(PASS), subjects=("get_order",), key="alice", reason="leaks")
    rows = [row for row in gate.listing(desk.world()).tables["statements"] if row["subject"] == "tool:get_order"]
    assert [(row["by"], row["verdict"], row["sequence"], row["holds"]) for row in rows] == [
        ("alice", "allow", 1, True),
        ("alice", "block", 2, True),
    ]
    value = text.parse_yaml(desk.pack.lock.read_bytes(), "lock").value
    value["subjects"]["tool:get_order"][1]["statement"]["verdict"] = "allow"
    desk.pack.lock.write_bytes(text.dump_yaml(value))
    assert desk.status()["get_order"] == "invalid"


def test_lifting_a_signed_block_keeps_it_in_the_lock(desk: Desk) -> None:
    """Bob's approval from before the block would count again if alice's own new approval took her block out."""
    desk.allow("get_order")
    block.block(desk.world(PASS), subjects=("get_order",), key="alice")
    desk.allow("get_order")
    assert "get_order" in desk.admitted().tools or desk.status()["get_order"] == "approved"
    rows = [row for row in gate.listing(desk.world()).tables["statements"] if row["subject"] == "tool:get_order"]
    assert [(row["verdict"], row["sequence"]) for row in rows] == [("block", 2), ("allow", 3)]


# ---------------------------------------------------------------- status, list
@pytest.mark.feature(53)
def test_status_names_every_subject(desk: Desk) -> None:
    assert desk.status() == dict.fromkeys([*TOOLS, *SHARED], "pending")
    desk.allow("get_order", "policy", expires="1h")
    block.block(desk.world(), subjects=("list_orders",))
    found = desk.status()
    assert (found["get_order"], found["list_orders"], found["policy"], found["env:local"]) == (
        "approved",
        "rejected",
        "approved",
        "pending",
    )
    assert desk.status(at="2026-11-21T13:00:01Z")["get_order"] == "expired"
    value = text.parse_yaml(desk.pack.lock.read_bytes(), "lock").value
    value["subjects"]["tool:get_order"][0]["statement"]["reason"] = "edited"
    desk.pack.lock.write_bytes(text.dump_yaml(value))
    assert desk.status()["get_order"] == "invalid"


def test_status_as_json_has_the_promised_columns(desk: Desk) -> None:
    desk.allow("get_order", expires="90d")
    value = json.loads(json.dumps(gate.status(desk.world()).json_value()))
    assert value["schema"] == "caskmcp/gate-status/1"
    row = next(row for row in value["tools"] if row["id"] == "get_order")
    assert set(row) == {"id", "status", "risk", "digest", "approved_by", "expires"}
    assert (row["status"], row["approved_by"], row["expires"]) == ("approved", ["alice"], "2027-02-19T12:00:00Z")
    assert value["summary"]["trust"] == "pinned"


def test_status_and_list_work_unpinned_and_say_so(desk: Desk) -> None:
    desk.allow(reason="x")
    here = desk.world()
    pins.place(here.config, "shop").unlink()
    report = gate.status(here)
    assert (report.exit, report.summary["trust"]) == (0, "unpinned")
    assert report.lines == ("Not checked against a pin: unpinned.",)
    assert gate.listing(here).summary["trust"] == "unpinned"


def test_status_works_without_a_trust_root(desk: Desk) -> None:
    desk.pack.trust_root(1).unlink()
    assert gate.status(desk.world()).summary["trust"] == "no trust root"


def test_list_shows_each_statement_and_whether_it_holds(desk: Desk) -> None:
    desk.allow("get_order", reason="PR 7")
    block.block(desk.world(), subjects=("get_order",), reason="oops")
    first, second = gate.listing(desk.world()).tables["statements"]
    assert (first["by"], first["verdict"], first["reason"], first["sequence"], first["holds"]) == ("alice", "allow", "PR 7", 1, True)
    assert (second["by"], second["verdict"], second["reason"], second["sequence"], second["holds"]) == (
        "unsigned",
        "block",
        "oops",
        2,
        True,
    )


# ---------------------------------------------------------------- sync
def rebuilt_with(desk: Desk, name: str, summary: str) -> None:
    """A build of the spec in which one operation reads otherwise."""
    value = text.parse_yaml(SPEC.encode(), "shop.yaml").value
    operation = "".join(word.capitalize() if at else word for at, word in enumerate(name.split("_")))
    for path in value["paths"].values():
        for row in path.values():
            if isinstance(row, dict) and row.get("operationId") == operation:
                row["summary"] = summary
    (desk.cwd / "shop.yaml").write_bytes(text.dump_yaml(value))
    build.run(desk.world())


def rebuilt_without(desk: Desk, operation: str) -> None:
    """A build of the spec without one operation."""
    value = text.parse_yaml(SPEC.encode(), "shop.yaml").value
    for path in value["paths"].values():
        for method, row in list(path.items()):
            if isinstance(row, dict) and row.get("operationId") == operation:
                del path[method]
    (desk.cwd / "shop.yaml").write_bytes(text.dump_yaml(value))
    build.run(desk.world())


def test_sync_drops_the_statements_of_vanished_subjects_alone(desk: Desk) -> None:
    desk.allow(reason="x")
    rebuilt_without(desk, "listOrders")
    assert [row.subject for row in gate.status(desk.world()).findings if row.mend == "cask gate sync"] == ["tool:list_orders"]
    before = text.parse_yaml(desk.pack.lock.read_bytes(), "lock").value["subjects"]
    assert block.sync(desk.world()).tables["dropped"] == ({"subject": "tool:list_orders"},)
    after = text.parse_yaml(desk.pack.lock.read_bytes(), "lock").value["subjects"]
    assert after == {subject: rows for subject, rows in before.items() if subject != "tool:list_orders"}
    kept = desk.pack.lock.read_bytes()
    assert block.sync(desk.world()).tables["dropped"] == ()
    assert desk.pack.lock.read_bytes() == kept


def test_sync_without_a_lock_writes_none(desk: Desk) -> None:
    assert block.sync(desk.world()).summary["dropped"] == 0
    assert not desk.pack.lock.exists()


@pytest.mark.feature(59)
def test_a_rebuild_with_one_tool_less_leaves_the_other_approvals_as_they_are(desk: Desk) -> None:
    desk.allow(reason="x")
    rebuilt_without(desk, "createOrder")
    assert {"get_order", "list_orders"} <= set(desk.admitted().tools)


# ---------------------------------------------------------------- check
def everything_approved(desk: Desk) -> None:
    critical = [row["id"] for row in gate.status(desk.world()).tables["tools"] if row["risk"] == "critical"]
    typed = tuple((f"Type `{name}` to sign:", name) for name in critical)
    desk.allow(*TOOLS, *SHARED, answers=(PASS, NAME, *typed), reason="x")


@pytest.mark.feature(58)
def test_check_is_clean_when_everything_is_approved(desk: Desk) -> None:
    everything_approved(desk)
    report = gate.check(desk.world())
    assert (report.exit, report.findings) == (0, ())
    assert [(row["step"], row["result"]) for row in report.tables["steps"]] == [("lock", "pass"), ("signatures", "pass")]


def test_check_wants_a_review_while_tools_wait(desk: Desk) -> None:
    assert gate.check(desk.world()).exit == 1
    desk.allow("get_order")
    assert gate.check(desk.world()).exit == 1


def test_check_refuses_what_was_tampered_with(desk: Desk) -> None:
    everything_approved(desk)
    value = text.parse_yaml(desk.pack.lock.read_bytes(), "lock").value
    value["subjects"]["tool:get_order"][0]["signature"] = ""
    desk.pack.lock.write_bytes(text.dump_yaml(value))
    assert gate.check(desk.world()).exit == 4
    desk.pack.lock.write_bytes(b"not a lock")
    assert gate.check(desk.world()).exit == 4


def test_check_finds_approved_content_that_was_edited_or_is_missing(desk: Desk) -> None:
    everything_approved(desk)
    first, second, *_ = sorted(desk.pack.contents.iterdir())
    first.write_text("{}")
    second.unlink()
    report = gate.check(desk.world())
    assert report.exit == 4
    assert sorted(row.message.split(" (")[0] for row in report.findings) == [
        "the approved content is missing",
        "the approved content was edited",
    ]


def test_check_without_a_pin_is_refused_with_the_digest(desk: Desk) -> None:
    everything_approved(desk)
    here = desk.world()
    pin = pins.stored(here.files, here.config, "shop")
    assert isinstance(pin, Pin)
    pins.place(here.config, "shop").unlink()
    report = gate.check(here)
    assert report.exit == 4
    assert [(row.code, row.mend) for row in report.findings] == [("CASK-T001", "cask trust pin")]
    assert pin.root in report.findings[0].message
    assert gate.check(here, trust_pin=pin.root).exit == 0
    assert gate.check(here, trust_pin=f"{pin.root}@1").exit == 0
    assert gate.check(here, trust_pin=f"{pin.root}@2").exit == 4
    assert gate.check(here, trust_pin=root_digest(packs.ROOT)).exit == 4
    assert gate.check(replace(here, environ={"CASK_TRUST_PIN": pin.root})).exit == 0


# ---------------------------------------------------------------- snapshot
def test_the_baseline_holds_what_is_approved_and_nothing_else(desk: Desk) -> None:
    desk.allow("get_order", "policy", "auth:api.shop.example")
    report = gate.snapshot(desk.world(interactive=True))
    assert (report.exit, report.summary["tools"]) == (0, 1)
    place = Root(desk.cwd / ".caskmcp").baseline("shop")
    value = json.loads(place.read_bytes())
    assert list(value["tools"]) == ["get_order"]
    assert value["schema"] == "caskmcp/baseline/1"


def test_an_edited_baseline_is_not_taken(desk: Desk) -> None:
    everything_approved(desk)
    path = desk.pack.artifact("baseline.json")
    path.write_bytes(path.read_bytes().replace(b"integer", b"string", 1))
    assert refused(lambda: gate.snapshot(desk.world(interactive=True))).code == "CASK-L006"
    assert not Root(desk.cwd / ".caskmcp").baseline("shop").exists()


def test_the_person_reads_the_words_and_the_choices_of_each_argument(desk: Desk) -> None:
    here = desk.world(PASS, NAME, interactive=True)
    gate.allow(here, subjects=("list_orders",), everything=False, reason="reviewed")
    assert isinstance(here.console, ScriptedConsole)
    assert "status: one of open, paid" in here.console.text


# ---------------------------------------------------------------- a risk that a person states
LOWER = "tools: {risk: {delete_order: {tier: high, effect: destructive, reason: x}, create_order: {tier: low, reason: only a draft}}}\n"


@pytest.mark.feature(36)
def test_a_lowered_risk_waits_to_be_named_and_its_reason_is_read_and_signed(desk: Desk) -> None:
    everything_approved(desk)
    (desk.cwd / "cask.yaml").write_text(MANIFEST + LOWER, encoding="utf-8")
    build.run(desk.world())
    assert desk.status()["create_order"] == "pending"
    report = desk.allow(reason="as always")
    assert "cask.yaml lowers its risk: has to be named" in {row.message.removeprefix("left out: ") for row in report.findings}
    assert "create_order" not in desk.admitted().tools
    here = desk.world(PASS, NAME, interactive=True)
    gate.allow(here, subjects=("create_order",), everything=False, reason="read the code")
    assert isinstance(here.console, ScriptedConsole)
    assert "cask.yaml says low, write; the rules say medium, write: only a draft" in here.console.text
    assert desk.admitted().tools["create_order"].tool.risk == "low"
