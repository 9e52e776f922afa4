"""Collections on their way in: what `--prove` looks for in them, and which host is asked for."""

import json
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.redact.canaries import FAMILIES
from caskmcp.workflows import build, capture, prove
from tests.support.collections import POSTMAN_SCHEMA
from tests.support.recordings import har
from tests.support.world import world

HOST = "api.shop.example"
TOKEN = "kZ8vQ2mN5xR7tB1cL4wY9pD3"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    auth = {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}"}]}
    item = {"request": {"url": f"https://{HOST}/orders", "auth": auth}}
    document = {"info": {"schema": POSTMAN_SCHEMA}, "item": [item], "variable": [{"key": "token", "value": TOKEN}]}
    (tmp_path / "shop.json").write_text(json.dumps(document), encoding="utf-8")
    (tmp_path / "open.http").write_text("GET {{host}}/orders\n", encoding="utf-8")
    made = tmp_path / "project"
    made.mkdir()
    return made


def test_the_token_of_an_auth_block_is_among_what_is_looked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove, "FAMILIES", tuple(row for row in FAMILIES if row.id in ("password", "jwt")))
    report = prove.take(world(folder), sources=("../shop.json",), hosts=(HOST,))
    assert "looked for 1 credentials of the recording; none is left" in report.lines[0]
    assert report.exit == 0


def test_without_a_host_the_one_that_the_collection_names_is_offered(folder: Path) -> None:
    with pytest.raises(CaskError) as caught:
        capture.take(world(folder), sources=("../shop.json",), hosts=())
    assert caught.value.what == f"which hosts are yours? Seen nearby: {HOST} (1)"
    assert caught.value.mend == f"cask capture import ../shop.json -a {HOST}"


def test_a_collection_that_leaves_its_host_open_gets_the_first_of_the_manifest(folder: Path) -> None:
    assert capture.take(world(folder), sources=("../open.http",), hosts=(HOST, "files.shop.example")).summary == {"added": 1, "kept": 1}
    with pytest.raises(CaskError, match="a first-party host is needed"):
        capture.take(world(folder.parent), sources=("open.http",), hosts=())


def test_what_nobody_answered_rests_on_no_traffic(folder: Path) -> None:
    here = world(folder)
    capture.take(here, sources=("../open.http",), hosts=(HOST,))
    build.run(here)
    assert build.derive(here).basis == "observations"
    (folder.parent / "shop.har").write_bytes(har(f"https://{HOST}/orders/1"))
    capture.take(here, sources=("../shop.har",), hosts=())
    build.run(here)
    assert build.derive(here).basis == "traffic"
