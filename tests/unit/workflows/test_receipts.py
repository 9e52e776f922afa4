"""An approval names the receipts that it rested on: what redaction cut from the captures here, the same for any redaction key."""

import json
from pathlib import Path

import pytest

from caskmcp.govern import lockfile, sign
from caskmcp.govern.verify import holds
from caskmcp.model.statement import LOCK_SCHEMA, PAYLOAD_TYPE, Statement
from caskmcp.workflows import build, capture
from tests.support.capturing import entry, har
from tests.support.packs import T1
from tests.support.world import world

HOST = "api.shop.example"
DIGEST = "sha256:" + "0" * 64


def project(folder: Path, *recordings: bytes, imported: bool = True) -> Path:
    """A built project with recordings, imported or as sources. Its redaction key is its own."""
    folder.mkdir(parents=True)
    for number, data in enumerate(recordings):
        (folder.parent / f"{folder.name}-{number}.har").write_bytes(data)
    if imported:
        names = tuple(f"../{folder.name}-{number}.har" for number in range(len(recordings)))
        capture.take(world(folder), sources=names, hosts=(HOST,), name="shop")
    else:
        for number, data in enumerate(recordings):
            (folder / f"{number}.har").write_bytes(data)
        (folder / "cask.yaml").write_text(f'version: 1\nname: shop\nhosts: [{HOST}]\nsources: [{{har: "*.har"}}]\n')
    build.run(world(folder))
    return folder


def recording(**answer: object) -> bytes:
    call = entry(f"https://{HOST}/people/1", answer=answer)
    return har(call, call, call)


MAIL = recording(email="alice@post.example", id=1)


def derived(folder: Path) -> str:
    return build.derive(world(folder)).receipts


def test_two_roots_with_other_keys_have_equal_receipts(tmp_path: Path) -> None:
    first, second = project(tmp_path / "a" / "shop", MAIL), project(tmp_path / "b" / "shop", MAIL)
    keys = {(folder / ".caskmcp" / "state" / "redaction.key").read_bytes() for folder in (first, second)}
    assert len(keys) == 2
    assert derived(first) == derived(second) != ""


def test_a_recording_has_one_receipt_as_a_source_and_as_an_import(tmp_path: Path) -> None:
    assert derived(project(tmp_path / "a", MAIL)) == derived(project(tmp_path / "b", MAIL, imported=False))


def test_another_cut_is_another_receipt_and_no_cut_is_none(tmp_path: Path) -> None:
    mail = derived(project(tmp_path / "a", MAIL))
    assert derived(project(tmp_path / "b", recording(phone="+44 20 7946 0018", id=1))) not in ("", mail)
    assert derived(project(tmp_path / "c", recording(id=1))) == ""


def test_a_clone_without_traffic_has_no_receipt_and_the_same_artifacts(tmp_path: Path) -> None:
    folder = project(tmp_path / "a", MAIL)
    whole, clone = build.derive(world(folder)), build.derive(world(folder), basis="observations")
    assert (clone.receipts, clone.basis) == ("", "observations")
    assert clone.files == whole.files


def test_no_artifact_names_a_receipt(tmp_path: Path) -> None:
    found = build.derive(world(project(tmp_path / "a", MAIL)))
    assert found.receipts
    assert not any(found.receipts.encode() in data for data in (*found.files.values(), found.pending))


def statement(receipts: str) -> Statement:
    return Statement(
        toolpack="shop", subject="tool:r", digest=DIGEST, basis="traffic", verdict="allow", key=T1.id, sequence=1,
        issued_at="2026-11-21T12:00:00Z", root_version=1, receipts=receipts,
    )  # fmt: skip


def test_receipts_are_signed_and_a_statement_without_any_is_as_it_always_was() -> None:
    assert statement(DIGEST).payload()["receipts"] == DIGEST
    assert "receipts" not in statement("").payload()
    assert json.dumps(statement("").payload()) != json.dumps(statement(DIGEST).payload())


@pytest.mark.parametrize(("signed", "edited"), [(DIGEST, ""), ("", DIGEST), (DIGEST, "sha256:" + "1" * 64)])
def test_a_statement_whose_receipts_were_edited_does_not_hold(signed: str, edited: str) -> None:
    said = statement(signed)
    made = sign.sign_statement(T1, said)
    held = [holds(T1.key, PAYLOAD_TYPE, each.payload(), made.signature) for each in (said, said.model_copy(update={"receipts": edited}))]
    assert held == [True, False]


@pytest.mark.parametrize(
    ("receipts", "whole"), [({}, True), ({"receipts": DIGEST}, True), ({"receipts": ""}, False), ({"other": DIGEST}, False)]
)
def test_a_lock_names_receipts_or_leaves_them_out_but_has_no_empty_ones(receipts: dict[str, str], whole: bool) -> None:
    rows = [{"statement": statement("").payload() | receipts, "signature": ""}]
    data = json.dumps({"schema": LOCK_SCHEMA, "toolpack": "shop", "subjects": {"tool:r": rows}}).encode()
    assert (lockfile.read(data, "shop").broken == {}) is whole
