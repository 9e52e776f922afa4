"""What a person reads of a challenge before saying yes: everything that will be sent, and where to; of a composite each call."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.govern import pins
from caskmcp.govern.admit import admit
from caskmcp.model.artifact import Environments
from caskmcp.model.pack import AdmittedPack, PackFiles
from caskmcp.model.project import EnvironmentHost
from caskmcp.model.tool import Tool
from caskmcp.ports import World
from caskmcp.runtime.commands import Binding
from caskmcp.runtime.keeper import Challenge
from caskmcp.runtime.state import State
from caskmcp.store.files import LocalFiles
from caskmcp.workflows import asked, confirm
from tests.support import packs
from tests.support.asking import ARGUMENTS, asking, binding, person
from tests.support.composites import step, within
from tests.support.packs import PIN, SHARED, R, W
from tests.support.world import NOON

NOTE = {"order_id": {"type": "integer"}, "note": {"type": "string"}}
WRITES = {"kind": "chain", "steps": [step("r", order_id="order_id"), step("w", order_id={"step": 1, "at": "/id"}, note="note")]}
READ_WRITE = within("read_write", WRITES, R, W, arguments=NOTE, risk="high", effect="write")
FURTHER = "2026-11-21T12:10:00Z"


def approved(*tools: Tool, **more: Any) -> PackFiles:
    files = packs.with_roots(packs.pack_files(tools, **more), packs.sign.sign_root(packs.ROOT, packs.T1))
    return packs.approve(files, *(f"tool:{tool.name}" for tool in tools), *SHARED)


def through(files: PackFiles, environment: str | None = None) -> AdmittedPack:
    return admit(files, pin=PIN, condition=None, environment=environment, at=NOON)


def read(pack: AdmittedPack, tool: str, arguments: dict[str, Any], caller: str = "stdio") -> list[tuple[str, str]]:
    """What is shown of a call."""
    bound = Binding("shop", tool, str(canon.digest(arguments)), str(pack.lock), caller)
    row = Challenge("c0ffee", bound, canon.dump(arguments).decode(), NOON, FURTHER)
    return list(asked.question(row, pack).lines)


def test_a_call_is_shown_whole_with_its_headers_and_the_credential_as_its_reference() -> None:
    lines = read(through(approved(R, W)), "w", {"order_id": 7, "state": "paid", "note": "hi\u202e"})
    assert [label for label, _ in lines] == ["Tool", "Arguments", "Request", *["Header"] * (len(lines) - 5), "Body", "Caller"]
    said = dict(lines)
    assert said["Tool"] == "w (Order by w), risk high, write"
    assert said["Request"] == "POST https://api.example.com/orders/7/w?state=paid"
    assert said["Body"] == '{"act":{"name":"w","with":{"note":"hi\\u{202e}"}}}'
    assert said["Caller"] == f"stdio, asked at {NOON}; the challenge ends at {FURTHER}"
    headers = [text for label, text in lines if label == "Header"]
    assert {"Host: api.example.com", "Content-Type: application/json", "Authorization: Bearer <env:SHOP_TOKEN>"} <= set(headers)


def test_a_body_of_any_size_is_shown_to_its_end() -> None:
    note = "x" * 60_000 + "the end"
    assert dict(read(through(approved(R, W)), "w", {"order_id": 7, "note": note}))["Body"].endswith('the end"}}}')


def test_where_an_environment_was_chosen_its_place_is_shown() -> None:
    environments = Environments(environments={"local": {packs.HOST: EnvironmentHost(url="http://127.0.0.1:9000", private=True)}})
    lines = read(through(approved(R, W, environments=environments), "local"), "w", {"order_id": 7}, "stdio, environment local")
    assert dict(lines)["Sent to"] == "http://127.0.0.1:9000"


@pytest.mark.parametrize(("caller", "name"), [("stdio", None), ("stdio, environment local", "local"), ("token a, environment b-2", "b-2")])
def test_the_environment_of_a_call_is_read_from_its_caller(caller: str, name: str | None) -> None:
    assert asked.environment(Challenge("c", Binding("shop", "w", "", "", caller), "{}", NOON, FURTHER)) == name


def test_of_a_composite_each_call_is_shown_and_whole_where_the_arguments_alone_decide_it() -> None:
    lines = read(through(approved(R, W, READ_WRITE)), "read_write", {"order_id": 7, "note": "hi"})
    told = [(label, text) for label, text in lines if label in ("Calls", "Request", "At most")]
    assert told == [
        ("Calls", "step 1: r(order_id: argument order_id), risk low, GET api.example.com/orders/{order_id}/r"),
        ("Request", "GET https://api.example.com/orders/7/r"),
        ("Calls", "step 2: w(note: argument note, order_id: answer 1/id), risk high, POST api.example.com/orders/{order_id}/w"),
        ("At most", "chain of r, w; 20 calls and 100000 bytes at most"),
    ]


@pytest.mark.parametrize(("tool", "content"), [("x", '{"order_id":7}'), ("w", '{"order_id":8}'), ("w", "[]"), ("w", "{")])
def test_what_is_not_the_call_that_was_made_is_not_shown(tool: str, content: str) -> None:
    pack = through(approved(R, W))
    bound = Binding("shop", tool, str(canon.digest({"order_id": 7})), str(pack.lock), "stdio")
    with pytest.raises(CaskError) as error:
        asked.question(Challenge("c0ffee", bound, content, NOON, FURTHER), pack)
    assert error.value.code == "CASK-R006"


def test_a_call_under_another_lock_is_not_shown() -> None:
    pack = through(approved(R, W))
    with pytest.raises(CaskError) as error:
        read(replace(pack, lock=canon.digest("another")), "absent", {})
    assert error.value.code == "CASK-R006"
    assert read(pack, "r", {"order_id": 7})


def accepted(tmp_path: Path) -> World:
    """A project whose trust root was accepted."""
    config = tmp_path / "config" / "caskmcp"
    pins.write(LocalFiles(), config, packs.PIN)
    return person(tmp_path, config, terminal=False)


@pytest.mark.parametrize("pinned", [True, False])
def test_the_list_names_the_request_the_caller_and_the_age(tmp_path: Path, pinned: bool) -> None:
    of = accepted(tmp_path)
    asking(of, at="2026-11-21T11:58:30Z")
    (row,) = confirm.listing(of if pinned else replace(of, config=tmp_path / "nobody")).tables["challenges"]
    assert (row["caller"], row["age"], row["expires"]) == ("stdio", "90 s", "2026-11-21T12:08:30Z")
    assert row["request"].startswith("POST https://api.example.com/orders/7/w" if pinned else "CASK-T001: ")


def test_a_row_that_somebody_wrote_is_listed_and_breaks_nothing(tmp_path: Path) -> None:
    of = accepted(tmp_path)
    with closing(State(of.cwd / ".caskmcp" / "state" / "confirmations.db")) as state:
        state.add(Challenge("x", replace(binding(of, ARGUMENTS), caller="\x1b[2J", toolpack="absent"), "{", "then", "9"))
    (row,) = confirm.listing(of).tables["challenges"]
    assert (row["caller"], row["age"]) == ("\\u{1b}[2J", "unknown")
    assert row["request"].startswith("CASK-I010: ")
