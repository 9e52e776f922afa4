"""Every byte of a small pack changed, one at a time: exactly what was touched disappears, and nothing more is ever allowed.

What has to happen is worked out from the values: an unreadable file refuses the whole pack, an equal value changes nothing, another value
takes away the tool whose record it is, or everything that stands on a shared part. The short run takes every 23rd byte, the slow one all.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from caskmcp import text
from caskmcp.errors import CaskError
from caskmcp.govern.admit import admit
from caskmcp.model.pack import AdmittedPack, PackFiles
from caskmcp.model.policy import Policy
from tests.support import packs
from tests.support.packs import HOST, PIN, R, W
from tests.support.world import NOON

FULL: Final = packs.approved_pack()
GOOD: Final = replace(FULL, tools=json.dumps(json.loads(FULL.tools), separators=(",", ":"), sort_keys=True).encode())
UNSIGNED: Final = {"operation", "confidence"}
BOTH: Final = {"r", "w"}
STEPS = [23, pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]


def door(files: PackFiles, environment: str | None = None) -> AdmittedPack | None:
    """What comes through; None if the pack is refused."""
    try:
        return admit(files, pin=PIN, condition=None, environment=environment, at=NOON)
    except CaskError as refusal:
        if refusal.exit in (3, 4):
            return None
        raise


BEFORE: Final = door(GOOD, "local")


def mutations(role: str, step: int) -> Iterator[tuple[PackFiles, Any]]:
    """The pack with one byte of one file changed, and the value that the file then has; `Unreadable` for none."""
    data: bytes = getattr(GOOD, role)
    for place in range(0, len(data), step):
        for byte in sorted({data[place] ^ 0x01, b'#"1a'[place % 4]} - {data[place]}):
            changed = data[:place] + bytes([byte]) + data[place + 1 :]
            yield replace(GOOD, **{role: changed}), value(role, changed)


class Unreadable:
    """Instead of a value."""


def value(role: str, data: bytes) -> Any:
    try:
        return text.parse_json(data, role) if role == "tools" else text.parse_yaml(data, role).value
    except CaskError:
        return Unreadable


def never_more(pack: AdmittedPack) -> None:
    """Whatever comes through is what came through before, or less of it."""
    assert BEFORE is not None
    assert set(pack.tools) <= BOTH
    for name, row in pack.tools.items():
        assert row.tool.model_dump(exclude=UNSIGNED) == BEFORE.tools[name].tool.model_dump(exclude=UNSIGNED)
        assert row.rules == BEFORE.tools[name].rules
        assert row.toolsets == BEFORE.tools[name].toolsets
    if pack.tools:
        assert pack.policy.budgets == BEFORE.policy.budgets
        assert pack.environment in ({}, BEFORE.environment)
        assert set(pack.auth.items()) <= set(BEFORE.auth.items()) or pack.auth == BEFORE.auth
    for name in ("readonly", "write_ops", "high_risk", "operator", "support"):
        assert set(pack.toolsets.get(name, ())) <= set(BEFORE.toolsets[name])


def checked(files: PackFiles, environment: str | None = None) -> set[str] | None:
    pack = door(files, environment)
    if pack is None:
        return None
    never_more(pack)
    return set(pack.tools)


def test_the_pack_is_served_before_anything_is_changed() -> None:
    assert checked(GOOD, "local") == BOTH


def whole(found: Any, keys: set[str]) -> bool:
    return isinstance(found, dict) and set(found) == keys


# ---------------------------------------------------------------- tools.json
@pytest.mark.feature(54)
@pytest.mark.parametrize("step", STEPS)
def test_each_byte_of_the_tools(step: int) -> None:
    original = value("tools", GOOD.tools)
    for files, found in mutations("tools", step):
        served = checked(files)
        if not whole(found, {"schema", "tools"}) or found["schema"] != original["schema"] or not isinstance(found["tools"], list):
            assert served is None
            continue
        touched = {was["name"] for was, now in zip(original["tools"], found["tools"], strict=True) if signed(was) != signed(now)}
        noted = {was["name"] for was, now in zip(original["tools"], found["tools"], strict=True) if was != now} - touched
        assert served is not None
        assert BOTH - touched - noted <= served <= BOTH - touched


def signed(row: Any) -> Any:
    return {key: item for key, item in row.items() if key not in UNSIGNED} if isinstance(row, dict) else row


# ---------------------------------------------------------------- shared parts
@pytest.mark.parametrize("step", STEPS)
def test_each_byte_of_the_policy(step: int) -> None:
    original = value("policy", GOOD.policy)
    for files, found in mutations("policy", step):
        served = checked(files)
        after = policy_of(files)
        if found == original:
            assert served == BOTH
        elif after is None:
            assert served is None
        elif common(after) != common(packs.POLICY):
            assert served == set()
        else:
            assert served == {tool.name for tool in (R, W) if after.rules_for(tool) == packs.POLICY.rules_for(tool)}


def policy_of(files: PackFiles) -> Policy | None:
    """The policy as changed; None if it is none of this version."""
    try:
        policy = Policy.from_yaml(files.policy, "policy.yaml")
    except CaskError:
        return None
    return policy if value("policy", files.policy).get("schema") == "caskmcp/policy/1" else None


def common(policy: Policy) -> Any:
    return policy.budgets, [rule for rule in policy.rules if not rule.match.tools]


@pytest.mark.parametrize("step", STEPS)
def test_each_byte_of_the_auth_references(step: int) -> None:
    original = value("auth", GOOD.auth)
    for files, found in mutations("auth", step):
        served = checked(files)
        if found == original:
            assert served == BOTH
        elif not whole(found, {"schema", "hosts"}) or found["schema"] != original["schema"] or not isinstance(found["hosts"], dict):
            assert served is None
        else:
            assert served == set()


@pytest.mark.parametrize("step", STEPS)
def test_each_byte_of_the_environments(step: int) -> None:
    original = value("environments", GOOD.environments)
    for files, found in mutations("environments", step):
        chosen, without = checked(files, "local"), checked(files)
        if found == original:
            assert chosen == without == BOTH
        elif (
            not whole(found, {"schema", "environments"})
            or found["schema"] != original["schema"]
            or not isinstance(found["environments"], dict)
        ):
            assert chosen is without is None
        else:
            assert not chosen, "refused, or nothing served"
            assert without == BOTH


@pytest.mark.parametrize("step", STEPS)
def test_each_byte_of_the_toolsets(step: int) -> None:
    original = value("toolsets", GOOD.toolsets)
    for files, found in mutations("toolsets", step):
        served = checked(files)
        if found == original:
            assert served == BOTH
        elif not whole(found, {"schema", "toolsets"}) or found["schema"] != original["schema"] or not isinstance(found["toolsets"], dict):
            assert served is None
        else:
            assert served == {name for name in BOTH if declared(found, name) == declared(original, name)}


def declared(found: Any, tool: str) -> list[str]:
    """Declared toolsets of a right form that hold a tool."""
    rows = found["toolsets"].items()
    sound = (
        (name, row)
        for name, row in rows
        if isinstance(row, dict) and set(row) <= {"tools", "declared"} and isinstance(row.get("tools"), list)
    )
    return sorted(
        name
        for name, row in sound
        if row.get("declared") is True and tool in row["tools"] and all(isinstance(each, str) for each in row["tools"])
    )


# ---------------------------------------------------------------- the lock
@pytest.mark.parametrize("step", STEPS)
def test_each_byte_of_the_lock(step: int) -> None:
    original = value("lock", GOOD.lock or b"")
    for files, found in mutations("lock", step):
        served = checked(files)
        if found == original:
            assert served == BOTH
        elif (
            not whole(found, {"schema", "subjects", "toolpack"})
            or (found["schema"], found["toolpack"]) != ("caskmcp/lock/1", "shop")
            or not isinstance(found["subjects"], dict)
        ):
            assert served is None
        else:
            touched = {subject for subject in original["subjects"] if found["subjects"].get(subject) != original["subjects"][subject]}
            gone = BOTH if touched & {"policy", f"auth:{HOST}"} else {subject.removeprefix("tool:") for subject in touched}
            assert served == BOTH - gone


# ---------------------------------------------------------------- formatting
def test_formatting_alone_changes_nothing() -> None:
    loose = {
        "tools": json.dumps(json.loads(GOOD.tools), indent=7, sort_keys=False).encode(),
        **{role: relaid(getattr(GOOD, role)) for role in ("policy", "toolsets", "environments", "auth", "lock")},
    }
    for role, data in loose.items():
        assert data != getattr(GOOD, role)
        assert checked(replace(GOOD, **{role: data}), "local") == BOTH
    assert checked(replace(GOOD, **loose), "local") == BOTH
    assert checked(replace(GOOD, **{role: data.replace(b"\n", b"\r\n") for role, data in loose.items()}), "local") == BOTH
    assert checked(replace(GOOD, **{role: b"\xef\xbb\xbf" + data for role, data in loose.items()}), "local") == BOTH


def relaid(data: bytes) -> bytes:
    """The same YAML as flow style in one long line, with a comment."""
    return b"# reviewed\n" + json.dumps(text.parse_yaml(data, "x").value).encode() + b"\n"
