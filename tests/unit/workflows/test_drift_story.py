"""`cask drift` on a project that was really recorded, built, approved and snapshot; and what it does with what it cannot read."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from caskmcp.cli.main import main
from caskmcp.errors import CaskError, Exit
from caskmcp.model.finding import Report
from caskmcp.model.project import Project
from caskmcp.report import markdown, sarif, text
from caskmcp.report.visible import visible
from caskmcp.workflows import block, build, capture, check, drift
from tests.support import drifting
from tests.support.drift_project import Place, Shop

SARIF = Path(__file__).parents[3] / "fixtures" / "sarif" / "sarif-2.1.0-rtm.5.json"
VALIDATOR = Draft4Validator(json.loads(SARIF.read_bytes()))
GONE = {"do": "drop", "at": "GET /v1/reports/daily", "field": "/revenue"}


@pytest.fixture(scope="module")
def fresh(drifting_shop: Place, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Approved, and without a baseline."""
    return drifting_shop.shop.copy(tmp_path_factory.mktemp("fresh"))


@pytest.fixture
def shop(measured_shop: Place) -> Shop:
    """With a baseline; its tests write beside it and never into it."""
    return measured_shop.shop


@pytest.fixture
def own(shop: Shop, tmp_path: Path) -> Shop:
    """A copy to change."""
    return shop.copy(tmp_path)


def found(report: Report) -> list[tuple[str, str]]:
    return [(row["class"], row["place"]) for row in report.tables.get("changes", ())]


def later(shop: Shop, change: dict[str, Any] | None = None, name: str = "later.har") -> str:
    calls = drifting.calls("another day", 12)
    shop.record(name, drifting.har(calls if change is None else drifting.changed(calls, change)))
    return f"later/{name}"


def refused(call: Any) -> CaskError:
    with pytest.raises(CaskError) as caught:
        call()
    return caught.value


# ---------------------------------------------------------------- before the first snapshot
def test_without_a_baseline_nothing_is_measured_and_nothing_passes(fresh: Shop) -> None:
    report = drift.run(fresh.world())
    assert (report.summary, report.exit, report.findings[0].mend) == ({"result": "not-run"}, Exit.REVIEW, "cask gate snapshot")


def test_check_says_that_drift_did_not_run_and_asked_for_it_alone_that_it_judged_nothing(fresh: Shop) -> None:
    report = check.run(fresh.world(), only=("drift", "manifest"))
    row = next(row for row in report.tables["steps"] if row["step"] == "drift")
    assert (row["result"], report.exit) == ("not-run", Exit.CLEAN)
    with pytest.raises(CaskError) as caught:
        check.run(fresh.world(), only=("drift",))
    assert caught.value.code == "CASK-I001"


# ---------------------------------------------------------------- the baseline
def test_a_snapshot_holds_the_counts_of_approved_operations_and_the_names_of_the_others(own: Shop) -> None:
    whole = json.loads(own.baseline.read_bytes())
    assert (len(whole["tools"]), len(whole["operations"]), whole.get("others"), whole["toolpack"]) == (11, 11, None, "shop")
    block.block(own.world(), subjects=("list_products",), reason="for now")
    own.snapshot()
    less = json.loads(own.baseline.read_bytes())
    assert (len(less["tools"]), less["others"]) == (10, ["GET api.shop.example/v1/products"])
    assert set(whole["operations"]) - set(less["operations"]) == set(less["others"])


def test_the_newest_build_is_measured_where_nothing_else_is_named_and_by_check(own: Shop) -> None:
    assert drift.run(own.world()).summary["result"] == "none"
    assert check.run(own.world(), only=("drift",)).exit is Exit.CLEAN
    (own.cwd / "captures" / "more.har").write_bytes(drifting.har(drifting.changed(drifting.calls("next", 20), GONE)))
    build.run(own.world())
    report, checked = drift.run(own.world()), check.run(own.world(), only=("drift",))
    assert (found(report), report.summary["seen"]) == ([("field-optional", "answer 200 /revenue")], "the newest build")
    assert ([row.code for row in checked.findings], checked.exit) == (["field-optional"], Exit.BREAKING)
    own.snapshot()
    assert check.run(own.world(), only=("drift",)).exit is Exit.CLEAN


def test_a_change_that_the_manifest_accepts_for_a_while_is_information_in_drift_and_in_check(own: Shop) -> None:
    (own.cwd / "captures" / "more.har").write_bytes(drifting.har(drifting.changed(drifting.calls("next", 20), GONE)))
    build.run(own.world())
    (row,) = drift.run(own.world()).findings
    manifest = own.cwd / "cask.yaml"
    said = f"suppress: [{{finding: {row.fingerprint}, reason: agreed with the service, until: 2099-01-31}}]\n"
    manifest.write_text(manifest.read_text(encoding="utf-8") + said, encoding="utf-8")
    report, checked = drift.run(own.world()), check.run(own.world(), only=("drift",))
    assert ([row.suppressed for row in report.findings], report.exit) == (["agreed with the service (until 2099-01-31)"], Exit.CLEAN)
    assert (checked.summary["suppressed"], checked.exit) == (1, Exit.CLEAN)


def test_an_operation_without_an_approved_tool_is_no_news_in_a_capture(own: Shop) -> None:
    value = json.loads(own.baseline.read_bytes())
    name = "GET api.shop.example/v1/products"
    del value["operations"][name], value["tools"]["list_products"]
    own.baseline.write_text(json.dumps(value | {"others": [name]}))
    assert found(drift.run(own.world(), capture=later(own))) == []


# ---------------------------------------------------------------- captures
def test_a_recording_of_the_same_service_does_not_differ(shop: Shop) -> None:
    report = drift.run(shop.world(), capture=later(shop, name="same.har"))
    assert (found(report), report.exit) == ([], Exit.CLEAN)
    assert (report.summary["compared"], report.summary["not_called"]) == (8, 3)


def test_a_change_names_its_tool_and_the_line_of_the_baseline(shop: Shop) -> None:
    report = drift.run(shop.world(), capture=later(shop, GONE, "gone.har"))
    (row,) = report.findings
    assert (row.code, row.subject, row.mend) == ("field-removed", "tool:get_reports_daily", "cask capture import later/gone.har")
    file, _, line = row.place.rpartition(":")
    assert file == ".caskmcp/baselines/shop/baseline.json"
    assert (shop.cwd / file).read_text().split("\n")[int(line) - 1] == '    "get_reports_daily": {'


def test_a_capture_under_the_root_is_named_by_the_beginning_of_its_id(own: Shop) -> None:
    taken = capture.take(own.world(), sources=(later(own, GONE),), hosts=())
    name = taken.tables["sources"][0]["source"].removeprefix("capture: ")
    assert found(drift.run(own.world(), capture=name[:12])) == [("field-removed", "answer 200 /revenue")]


def test_one_capture_is_measured_from_another_without_a_baseline(fresh: Shop) -> None:
    one, other = later(fresh, name="one.har"), later(fresh, GONE, "other.har")
    report = drift.run(fresh.world(), capture=other, against=one)
    assert found(report) == [("field-removed", "answer 200 /revenue")]
    assert (report.summary["baseline"], report.summary["seen"]) == (one, other)
    assert found(drift.run(fresh.world(), capture=one, against=other)) == [("field-added", "answer 200 /revenue")]


def test_a_document_is_measured_as_a_recording_is(shop: Shop) -> None:
    shop.record("next.json", drifting.spec({"remove": ["/paths/~1v1~1returns~1{return_id}"]}))
    assert found(drift.run(shop.world(), capture="later/next.json")) == [("endpoint-removed", "operation")]


def test_a_clone_without_traffic_measures_as_the_machine_that_recorded(own: Shop) -> None:
    expected = drift.run(own.world(), capture=later(own, GONE))
    shutil.rmtree(own.cwd / "captures")
    for name in ("captures", "state"):
        shutil.rmtree(own.cwd / ".caskmcp" / name)
    assert drift.run(own.world(), capture="later/later.har").json_value() == expected.json_value()


def test_nothing_is_written_and_nothing_of_the_recording_is_told(own: Shop) -> None:
    given = later(own, {"do": "put", "at": "GET /v1/customers/{}", "field": "/email", "value": "email"})
    before = tree(own.cwd)
    report = drift.run(own.world(), capture=given)
    assert found(report) == [("pii-appeared", "answer 200 /email")]
    assert tree(own.cwd) == before
    assert "@mail.example" not in json.dumps(report.json_value())


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_recording_gives_the_same_report(shop: Shop) -> None:
    given = later(shop, GONE, "again.har")
    assert drift.run(shop.world(), capture=given) == drift.run(shop.world(), capture=given)


# ---------------------------------------------------------------- what cannot be read
@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", "CASK-I003", ""),
        (b"{", "CASK-I003", ""),
        (b"[]", "CASK-I008", "expected caskmcp/baseline/1"),
        (b'{"schema": "caskmcp/baseline/9", "tools": {}}', "CASK-I008", "expected caskmcp/baseline/1"),
        (b'{"schema": "caskmcp/baseline/1", "tools": {}, "tools": {}}', "CASK-I003", "tools"),
        (b'{"schema": "caskmcp/baseline/1", "tools": [], "operations": 7, "others": 5}', "CASK-I004", ""),
        (b'{"schema": "caskmcp/baseline/1", "tools": {}, "colour": "blue"}', "CASK-I004", "colour"),
        (b'{"schema": "caskmcp/baseline/1", "toolpack": "bank", "tools": {}}', "CASK-I004", "the baseline of `bank`"),
        (
            b'{"schema": "caskmcp/baseline/1", "tools": {"x": {"operation": "GET a/b", "risk": "low", "input_schema": {}}}}',
            "CASK-I008",
            "older",
        ),
        (b'{"schema": "caskmcp/baseline/1", "tools": {}, "operations": {"GET a/b": {"id": "GET a/b"}}}', "CASK-I004", ""),
        (b"[" * 100_000, "CASK-I003", ""),
    ],
    ids=lambda value: value[:30].decode() if isinstance(value, bytes) else "",
)
def test_a_baseline_that_is_none_is_refused_with_its_place_and_the_mend(own: Shop, data: bytes, code: str, says: str) -> None:
    own.baseline.write_bytes(data)
    for call in (lambda: drift.run(own.world()), lambda: drift.run(own.world(), baseline=".caskmcp/baselines/shop/baseline.json")):
        error = refused(call)
        assert (error.code, error.exit, error.mend) == (code, Exit.INPUT, "cask gate snapshot")
        assert (says in error.what, (error.place or "").split(":")[0]) == (True, ".caskmcp/baselines/shop/baseline.json")
    report = check.run(own.world(), only=("drift",))
    assert ([row.code for row in report.findings], report.exit) == ([code], Exit.INPUT)


def test_options_that_exclude_each_other_are_refused(shop: Shop) -> None:
    here, probe = shop.world(), drift.Probe()
    for call in (
        lambda: drift.run(here, against="x"),
        lambda: drift.run(here, capture="x", against="y", baseline="z"),
        lambda: drift.run(here, capture="x", live=probe),
        lambda: drift.run(here, capture="x", against="y", live=probe),
    ):
        assert refused(call).code == "CASK-I001"


@pytest.mark.parametrize(
    ("given", "code"), [("nowhere.har", "CASK-I002"), ("later/notes.txt", "CASK-C001"), ("later/others.har", "CASK-C003")]
)
def test_a_capture_that_is_none_is_refused(shop: Shop, given: str, code: str) -> None:
    shop.record("notes.txt", b"nothing of any kind")
    shop.record("others.har", drifting.har([dict(drifting.calls(rounds=1)[0], host="other.example")]))
    error = refused(lambda: drift.run(shop.world(), capture=given))
    assert (error.code, error.exit) == (code, Exit.INPUT)


def test_a_beginning_that_fits_several_captures_is_refused(own: Shop) -> None:
    for name in ("aaaa1", "aaaa2"):
        folder = own.root.capture(name)
        folder.mkdir(parents=True)
        own.root.exchanges(name).write_bytes(b"")
    assert refused(lambda: drift.run(own.world(), capture="aaaa")).code == "CASK-I010"


def test_a_build_that_emits_no_baseline_cannot_be_measured(own: Shop) -> None:
    own.pack.artifact("baseline.json").unlink()
    error = refused(lambda: drift.run(own.world()))
    assert (error.code, error.mend) == ("CASK-I002", "cask build")


def test_without_a_manifest_the_hosts_are_those_of_the_baseline(own: Shop) -> None:
    given = later(own, GONE)
    (own.cwd / "cask.yaml").unlink()
    assert found(drift.run(own.world(), capture=given)) == [("field-removed", "answer 200 /revenue")]


def test_pages_are_read_so_that_an_operation_that_answers_with_one_is_found(shop: Shop) -> None:
    assert Project(version=1, hosts=("a.example",), keep=(drift.PAGES,)).keep == ("page",)
    calls = [
        dict(call, media="text/html", answer="<!doctype html><title>Sign in</title><p>who are you?</p>")
        if "daily" in call["path"]
        else call
        for call in drifting.calls("x", 12)
    ]
    calls.append(
        dict(calls[0], path="/welcome", query={}, media="text/html", answer="<!doctype html><title>Welcome</title><p>hello there</p>")
    )
    shop.record("pages.har", drifting.har(calls))
    assert found(drift.run(shop.world(), capture="later/pages.har")) == [("media-changed", "answer 200")]


# ---------------------------------------------------------------- forms
@pytest.mark.feature(64)
def test_the_report_is_valid_sarif_with_lines_of_the_baseline(shop: Shop) -> None:
    log = json.loads(sarif.render(drift.run(shop.world(), capture=later(shop, GONE, "s.har"))))
    assert not list(VALIDATOR.iter_errors(log))
    (row,) = log["runs"][0]["results"]
    place = row["locations"][0]["physicalLocation"]
    line = int(place["region"]["startLine"])
    assert (row["ruleId"], row["level"], place["artifactLocation"]["uri"]) == (
        "field-removed",
        "error",
        ".caskmcp/baselines/shop/baseline.json",
    )
    assert '"get_reports_daily": {' in shop.baseline.read_text().split("\n")[line - 1]


@pytest.mark.parametrize("form", [text.render, markdown.render])
def test_a_name_of_a_stranger_stays_text_in_the_forms_for_people(shop: Shop, form: Any) -> None:
    calls = drifting.calls("x", 12)
    for call in calls:
        if "daily" in call["path"]:
            call["answer"]["a\u202e|<b>\x1b[31m"] = 1
    shop.record("odd.har", drifting.har(calls))
    report = drift.run(shop.world(), capture="later/odd.har")
    assert found(report) == [("field-added", "answer 200 /*")]
    assert not {"\u202e", "\x1b"} & set(visible(form(report)))


# ---------------------------------------------------------------- the command
def test_the_command_shows_one_json_object_and_ends_with_the_worst_finding(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given, same = later(shop, GONE, "c.har"), later(shop, name="d.har")
    monkeypatch.chdir(shop.cwd)
    assert main(["drift", "--capture", given, "--format", "json"]) == 2
    report = json.loads(capsys.readouterr().out)
    assert (report["schema"], report["summary"]["breaking"], report["findings"][0]["code"]) == ("caskmcp/drift/1", 1, "field-removed")
    assert main(["drift", "--capture", same]) == 0
    assert "Nothing that was called differs from the baseline." in capsys.readouterr().out
    assert main(["drift", "--against", given]) == 3
    assert main(["drift", "--live", "--calls", "no"]) == 3
    assert main(["drift", "--baseline", "later/c.har"]) == 3
    assert "CASK-I008" in capsys.readouterr().err
