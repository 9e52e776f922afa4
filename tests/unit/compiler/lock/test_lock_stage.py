"""The pending lock: what each subject would be approved as."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from caskmcp import text
from caskmcp.compiler.emit.stage import run as emit
from caskmcp.compiler.lock.stage import run
from caskmcp.errors import CaskError
from caskmcp.model.statement import Pending
from tests.support.storefront import SECTIONS, given, locked, storefront
from tests.support.syntax import ROOT


def files(**more: Any) -> dict[str, bytes]:
    return dict(emit(given(storefront(), **(SECTIONS | more)))["files"])


def pending(made: dict[str, bytes]) -> Pending:
    return Pending.from_yaml(bytes(run(locked(made))["pending"]), "pending")


def test_each_tool_and_each_shared_subject_has_a_digest() -> None:
    lock = pending(files())
    assert lock.toolpack == "storefront"
    assert len(lock.tools) == 14
    assert sorted(lock.shared) == ["auth:api.shop.example", "env:local", "policy"]
    assert all(row.digest.startswith("sha256:") and len(row.digest) == 71 for row in lock.tools.values())
    assert (lock.tools["refund_order"].risk, lock.tools["refund_order"].confidence) == ("high", "low")
    assert lock.tools["refund_order"].operation == "POST api.shop.example/api/v1/orders/{order_id}/refund"


def test_the_pending_lock_is_valid_against_its_published_schema() -> None:
    schema = json.loads((ROOT / "schemas" / "lock.pending.schema.json").read_bytes())
    value = text.parse_yaml(bytes(run(locked(files()))["pending"]), "pending").value
    assert [error.message for error in Draft202012Validator(schema).iter_errors(value)] == []


def edited(name: str, old: bytes, new: bytes) -> dict[str, bytes]:
    made = files()
    assert old in made[name]
    return made | {name: made[name].replace(old, new, 1)}


def differing(made: dict[str, bytes]) -> set[str]:
    before, after = pending(files()), pending(made)
    tools = {name for name in before.tools if before.tools[name].digest != after.tools[name].digest}
    return tools | {name for name in before.shared if before.shared[name] != after.shared[name]}


@pytest.mark.parametrize(
    ("name", "old", "new", "changed"),
    [
        ("tools.json", b"Get order (GET", b"Got order (GET", {"get_order"}),
        ("tools.json", b'"text": "refund"', b'"text": "refunds"', {"refund_order"}),
        (
            "toolsets.yaml",
            b"  support:\n    declared: true\n    tools:\n    - create_order\n",
            b"  support:\n    declared: true\n    tools:\n",
            {"create_order"},
        ),
        ("toolsets.yaml", b"  readonly:\n    tools:\n    - get_article\n", b"  readonly:\n    tools:\n", set()),
        ("policy.yaml", b"no-uploads", b"no-downloads", {"create_upload"}),
        ("policy.yaml", b"calls: 60", b"calls: 61", {"policy"}),
        ("auth.yaml", b"SHOP_TOKEN", b"SHOP_TOKEM", {"auth:api.shop.example"}),
        ("environments.yaml", b":8080", b":8081", {"env:local"}),
        ("tools.json", b'"confidence": "medium"', b'"confidence": "high"', set()),
    ],
)
def test_a_change_touches_exactly_the_subjects_that_it_concerns(name: str, old: bytes, new: bytes, changed: set[str]) -> None:
    assert differing(edited(name, old, new)) == changed


def test_formatting_alone_changes_no_digest() -> None:
    made = files()
    squeezed = json.dumps(json.loads(made["tools.json"])).encode()
    assert differing(made | {"tools.json": squeezed}) == set()


def test_an_artifact_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(CaskError) as caught:
        run(locked(files() | {"policy.yaml": b"rules: [{}]"}))
    assert caught.value.code == "CASK-I004"


def test_the_storefront_gives_the_reviewed_pending_lock(snapshot: Any) -> None:
    assert bytes(run(locked(files()))["pending"]).decode() == snapshot
