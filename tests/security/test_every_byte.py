"""Every byte of every file that the door reads, changed, on a pack of twenty tools: exactly what was touched disappears, and nothing more is ever allowed.

What has to happen is worked out from the values: an unreadable file refuses the whole pack, an equal value changes nothing, another value
takes away the tool whose record it is, or everything that stands on a shared part. A byte is turned, replaced, taken out, doubled by another,
or is the last one of the file. The run of every day takes a sample that is spread over each file; `CASK_EVERY_BYTE=1` turns every byte and does one
of the other four to it as well.
"""

import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from caskmcp import canon, text
from caskmcp.errors import CaskError
from caskmcp.govern import offer, pins, sign, statements
from caskmcp.govern.admit import admit
from caskmcp.model.artifact import Auth, Environments
from caskmcp.model.auth import AuthRule
from caskmcp.model.pack import AdmittedPack, PackFiles
from caskmcp.model.policy import Match, Policy, Rule
from caskmcp.model.project import EnvironmentHost
from caskmcp.model.tool import Tool
from caskmcp.store.files import LocalFiles
from caskmcp.store.layout import Pack
from tests.support import packs
from tests.support.packs import HOST, PIN, T1, T2
from tests.support.serving import Project, Served
from tests.support.upstream import Upstream
from tests.support.world import NOON
from tests.unit.govern import test_narrowing

EVERY: Final = os.environ.get("CASK_EVERY_BYTE") == "1"
SAMPLE: Final = 24
"""Bytes of each file that are changed in the run of every day."""

OTHER: Final = "pay.example.net"
UNSIGNED: Final = {"operation", "confidence"}


# ---------------------------------------------------------------- the pack
def _tool(number: int) -> Tool:
    """Two of three read, one of three writes; one of four calls the other host."""
    writes = number % 3 == 0
    kind = {"method": "POST", "effect": "write", "risk": "medium"} if writes else {}
    return packs.tool(f"t{number:02d}", host=OTHER if number % 4 == 0 else HOST, **kind)


TOOLS: Final = tuple(_tool(number) for number in range(1, 21))
NAMES: Final = {tool.name for tool in TOOLS}
POLICY: Final = Policy(
    rules=(Rule(id="ask-for-two", effect="confirm", match=Match(tools=("t03", "t06")), reason="money"), *packs.POLICY.rules[2:]),
    budgets=packs.POLICY.budgets,
)
ENVIRONMENTS: Final = Environments(
    environments={
        "local": {host: EnvironmentHost(url="http://127.0.0.1:8080", private=True) for host in (HOST, OTHER)},
        "stage": {HOST: EnvironmentHost(url="https://stage.example.com")},
    }
)
AUTH: Final = Auth(
    hosts={
        HOST: AuthRule.model_validate({"scheme": "bearer", "from": "env:SHOP_TOKEN"}),
        OTHER: AuthRule.model_validate({"scheme": "bearer", "from": "env:PAY_TOKEN"}),
    }
)
DECLARED: Final = {"support": ("t01", "t02", "t03"), "night": ("t03", "t20")}
SECOND: Final = packs.root(T1, T2, version=2)


def _good() -> PackFiles:
    files = packs.pack_files(TOOLS, policy=POLICY, environments=ENVIRONMENTS, auth=AUTH, declared=DECLARED)
    files = packs.with_roots(files, sign.sign_root(packs.ROOT, T1), sign.sign_root(SECOND, T1))
    files = replace(files, tools=json.dumps(json.loads(files.tools), separators=(",", ":"), sort_keys=True).encode())
    return packs.approve(files, *offer.parse(files).contents)


GOOD: Final = _good()
ROLES: Final = ("tools", "toolsets", "policy", "environments", "auth", "lock", "root 1", "root 2")


def data_of(role: str) -> bytes:
    data: bytes | None = GOOD.roots[int(role[-1]) - 1] if role.startswith("root") else getattr(GOOD, role)
    assert data
    return data


def with_data(role: str, data: bytes) -> PackFiles:
    if not role.startswith("root"):
        return replace(GOOD, **{role: data})
    roots = list(GOOD.roots)
    roots[int(role[-1]) - 1] = data
    return replace(GOOD, roots=tuple(roots))


# ---------------------------------------------------------------- the changes
Change = Callable[[bytes, int], bytes]


def turned(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def replaced(data: bytes, place: int) -> bytes:
    return data[:place] + b'#"1a'[place % 4 : place % 4 + 1] + data[place + 1 :]


def taken_out(data: bytes, place: int) -> bytes:
    return data[:place] + data[place + 1 :]


def put_in(data: bytes, place: int) -> bytes:
    return data[:place] + b'a 0"\n'[place % 5 : place % 5 + 1] + data[place:]


def cut(data: bytes, place: int) -> bytes:
    return data[:place]


OTHERS: Final[tuple[Change, ...]] = (replaced, taken_out, put_in, cut)


def changed(data: bytes) -> Iterator[bytes]:
    """The file with one change each."""
    if EVERY:
        for place in range(len(data)):
            yield turned(data, place)
            if (other := OTHERS[place % 4](data, place)) != data:
                yield other
        return
    ways = itertools.cycle((turned, *OTHERS))
    for index in range(SAMPLE):
        # Neighbours of evenly spread places: otherwise each falls on the same field of a record.
        yield next(ways)(data, min(len(data) - 1, index * len(data) // SAMPLE + index % 7))


# ---------------------------------------------------------------- what comes through
def door(files: PackFiles, environment: str | None = None) -> AdmittedPack | None:
    """What comes through; None if the pack is refused."""
    try:
        return admit(files, pin=PIN, condition=None, environment=environment, at=NOON)
    except CaskError as refusal:
        if refusal.exit in (3, 4):
            return None
        raise


BEFORE: Final = {environment: door(GOOD, environment) for environment in (None, "local")}


def checked(files: PackFiles, environment: str | None = None) -> set[str] | None:
    """Names of what is served, after it was seen that it is what was served before, or less of it."""
    pack, before = door(files, environment), BEFORE[environment]
    if pack is None or before is None:
        return None
    for name, row in pack.tools.items():
        was = before.tools[name]
        assert row.tool.model_dump(exclude=UNSIGNED) == was.tool.model_dump(exclude=UNSIGNED)
        assert (row.rules, row.toolsets) == (was.rules, was.toolsets)
    if pack.tools:
        assert pack.policy.budgets == before.policy.budgets
        assert pack.environment == before.environment
        assert set(pack.auth.items()) <= set(before.auth.items())
    for name, members in pack.toolsets.items():
        assert name == "default" or set(members) <= set(before.toolsets.get(name, ()))
    return set(pack.tools)


def test_the_pack_of_twenty_is_served_before_anything_is_changed() -> None:
    assert len(NAMES) == 20
    assert checked(GOOD) == checked(GOOD, "local") == NAMES


# ---------------------------------------------------------------- what has to come through, by role
class Unreadable:
    """Instead of a value."""


def value(role: str, data: bytes) -> Any:
    try:
        return text.parse_yaml(data, role).value if role in YAML else text.parse_json(data, role)
    except CaskError:
        return Unreadable


YAML: Final = ("toolsets", "policy", "environments", "auth", "lock")
Expected = set[str] | None


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: `1`, `1.0` and `true` are three values."""
    return one is other or (Unreadable not in (one, other) and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))


def whole(found: Any, original: Any, key: str, kind: type) -> bool:
    """Whether a file can be read as a whole: its keys, its schema, and the kind of what it holds."""
    return (
        isinstance(found, dict)
        and set(found) == set(original)
        and same(found["schema"], original["schema"])
        and isinstance(found[key], kind)
    )


def signed(row: Any) -> Any:
    return {key: item for key, item in row.items() if key not in UNSIGNED} if isinstance(row, dict) else row


def of_tools(found: Any, original: Any, served: Expected) -> Expected:
    if not whole(found, original, "tools", list):
        return None
    rows = list(zip(original["tools"], found["tools"], strict=True))
    touched = {was["name"] for was, now in rows if not same(signed(was), signed(now))}
    # What is not signed and has a wrong form (a confidence that is none) spoils its record as well.
    noted = {was["name"] for was, now in rows if not same(was, now)} - touched
    return NAMES - touched - (noted - served if served is not None else set())


def of_policy(found: Any, original: Any, served: Expected) -> Expected:
    try:
        after = Policy.model_validate_json(json.dumps({key: item for key, item in found.items() if key != "schema"}))
    except (ValueError, AttributeError, TypeError):
        return None
    if not same(found.get("schema"), original["schema"]):
        return None
    if (after.budgets, common(after)) != (POLICY.budgets, common(POLICY)):
        return set()
    return {tool.name for tool in TOOLS if after.rules_for(tool) == POLICY.rules_for(tool)}


def common(policy: Policy) -> list[Rule]:
    return [rule for rule in policy.rules if not rule.match.tools]


def of_auth(found: Any, original: Any, served: Expected) -> Expected:
    if not whole(found, original, "hosts", dict):
        return None
    hosts = {host for host, rule in original["hosts"].items() if same(found["hosts"].get(host), rule)}
    return {tool.name for tool in TOOLS if tool.request.host in hosts}


def of_environments(found: Any, original: Any, served: Expected) -> Expected:
    return NAMES if whole(found, original, "environments", dict) else None


def of_toolsets(found: Any, original: Any, served: Expected) -> Expected:
    if not whole(found, original, "toolsets", dict):
        return None
    return {name for name in NAMES if declared(found, name) == declared(original, name)}


def declared(found: Any, tool: str) -> list[str]:
    """Declared toolsets of a right form that hold a tool."""
    rows = ((name, row) for name, row in found["toolsets"].items() if isinstance(row, dict) and set(row) <= {"tools", "declared"})
    sound = (
        (name, row) for name, row in rows if isinstance(row.get("tools"), list) and all(isinstance(each, str) for each in row["tools"])
    )
    return sorted(name for name, row in sound if row.get("declared") is True and tool in row["tools"])


def of_lock(found: Any, original: Any, served: Expected) -> Expected:
    if not whole(found, original, "subjects", dict) or found["toolpack"] != "shop":
        return None
    touched = {subject for subject, rows in original["subjects"].items() if not same(found["subjects"].get(subject), rows)}
    hosts = {subject.removeprefix("auth:") for subject in touched if subject.startswith("auth:")}
    if "policy" in touched:
        return set()
    return {tool.name for tool in TOOLS if f"tool:{tool.name}" not in touched and tool.request.host not in hosts}


def of_root(found: Any, original: Any, served: Expected) -> Expected:
    return None


EXPECTED: Final[dict[str, Callable[[Any, Any, Expected], Expected]]] = {
    "tools": of_tools,
    "toolsets": of_toolsets,
    "policy": of_policy,
    "environments": of_environments,
    "auth": of_auth,
    "lock": of_lock,
    "root 1": of_root,
    "root 2": of_root,
}


def outcomes(role: str) -> Iterator[tuple[bytes, Expected, Expected]]:
    """Each change with what came through and what had to."""
    original = value(role, data_of(role))
    for data in changed(data_of(role)):
        found, served = value(role, data), checked(with_data(role, data))
        yield data, served, NAMES if same(found, original) else EXPECTED[role](found, original, served)


@pytest.mark.feature(54)
@pytest.mark.timeout(7200 if EVERY else 120)
@pytest.mark.parametrize("role", ROLES)
def test_exactly_what_a_changed_byte_touched_is_gone(role: str, record_property: Callable[[str, object], None]) -> None:
    kinds = {"all": 0, "some": 0, "none": 0, "refused": 0}
    for data, served, expected in outcomes(role):
        assert served == expected, data
        kinds["refused" if served is None else "all" if served == NAMES else "some" if served else "none"] += 1
    record_property("outcomes", kinds)
    if EVERY:
        print(f"\n{role}: {sum(kinds.values())} changes: {kinds}")
    assert kinds["refused"] > 0


@pytest.mark.timeout(7200 if EVERY else 120)
def test_a_changed_environment_is_served_where_it_is_not_chosen_and_nothing_where_it_is() -> None:
    original = value("environments", data_of("environments"))
    for data in changed(data_of("environments")):
        found, chosen = value("environments", data), checked(with_data("environments", data), "local")
        if same(found, original):
            assert chosen == NAMES
        elif not whole(found, original, "environments", dict):
            assert chosen is None
        elif same(found["environments"].get("local"), original["environments"]["local"]):
            assert chosen == NAMES, "another environment was changed"
        else:
            assert not chosen, "refused, since it has no such name, or nothing served"


@pytest.mark.timeout(7200 if EVERY else 120)
def test_a_changed_handoff_names_the_same_toolpack_or_nothing_is_served(tmp_path: Path) -> None:
    pack = packs.write(GOOD, tmp_path)
    original = pack.toolpack.read_bytes()
    for data in changed(original):
        pack.toolpack.write_bytes(data)
        assert handed_over(pack) in (NAMES, None)
    pack.toolpack.write_bytes(original)
    assert checked(read(pack)) == NAMES


def read(pack: Pack) -> PackFiles:
    return offer.read(LocalFiles(), pack)


def handed_over(pack: Pack) -> Expected:
    """What is served of a pack on disk; None if it is refused."""
    try:
        files = read(pack)
    except CaskError as refusal:
        if refusal.exit in (3, 4):
            return None
        raise
    return checked(files)


@pytest.mark.timeout(7200 if EVERY else 120)
def test_a_changed_content_lets_no_approval_count_for_less_than_it_was_given_for() -> None:
    """Where the trust root allows it, `r` is served although it does less than what was signed: that content is read, too."""
    before = test_narrowing.approved(packs.R, packs.W)
    less = test_narrowing.changed(packs.R, lambda tool: tool["input_schema"]["properties"]["state"]["enum"].remove("sent"))
    files = test_narrowing.built(before, less, packs.W)
    digest = canon.digest(offer.parse(before).contents["tool:r"])
    good = files.contents[digest]
    assert test_narrowing.served(files) == ["r", "w"]
    for data in changed(good):
        served = test_narrowing.served(replace(files, contents={**files.contents, digest: data}))
        assert served == (["r", "w"] if same(value("content", data), value("content", good)) else ["w"]), data


@pytest.mark.parametrize("role", ["tools", "lock"])
def test_without_the_guard_a_changed_byte_is_served(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither digests nor signatures are looked at: then a changed description and a changed time of issue both pass."""
    old, new = {"tools": (b"Works on one order through t07", b"Forks on one order through t07"), "lock": (b"09:00:00Z", b"08:00:00Z")}[role]
    attack = with_data(role, data_of(role).replace(old, new, 1))
    assert attack != GOOD
    assert len(NAMES - (checked(attack) or set())) in (1, 5, 15)
    weigh = statements._weigh
    monkeypatch.setattr(statements, "_forgery", lambda signed, chain: "")
    monkeypatch.setattr(
        statements, "_weigh", lambda subject, digest, rows, *rest: weigh(subject, rows[0].digest if rows else digest, rows, *rest)
    )
    pack = door(attack)
    assert pack is not None
    assert set(pack.tools) == NAMES
    if role == "tools":
        assert pack.tools["t07"].tool.description.startswith("Forks")


# ---------------------------------------------------------------- over a real server
def test_a_sample_over_a_real_server(tmp_path: Path) -> None:
    """The same files, changed one after the other under one running server; each is put back in between."""
    with Upstream() as upstream:
        shop = Project(tmp_path, upstream, packs.write(GOOD, tmp_path / ".caskmcp"), GOOD)
        pins.write(LocalFiles(), shop.config, PIN)
        places = {"tools": shop.pack.artifact("tools.json"), "lock": shop.pack.lock, "auth": shop.pack.artifact("auth.yaml")}
        rows = [
            ("tools", b"Works on one order through t07", b"Works on one order thrOugh t07", NAMES - {"t07"}),
            ("tools", b'"tools":', b'"tools"=', set()),
            ("lock", b"subjects:", b"subjects;", set()),
            ("auth", b"PAY_TOKEN", b"PAY_TOKEM", {tool.name for tool in TOOLS if tool.request.host == HOST}),
        ]
        with Served(shop) as server:
            assert set(server.tools()) == NAMES
            for role, old, new, left in rows:
                whole_file = places[role].read_bytes()
                places[role].write_bytes(whole_file.replace(old, new, 1))
                assert set(server.tools()) == left, (role, new)
                places[role].write_bytes(whole_file)
                assert set(server.tools()) == NAMES


# ---------------------------------------------------------------- formatting
def test_formatting_alone_changes_nothing() -> None:
    loose = {
        "tools": json.dumps(json.loads(GOOD.tools), indent=7, sort_keys=False).encode(),
        **{role: relaid(getattr(GOOD, role)) for role in YAML},
        **{f"root {number}": json.dumps(json.loads(data), indent=3).encode() for number, data in enumerate(GOOD.roots, 1)},
    }
    for role, data in loose.items():
        assert data != data_of(role)
        assert checked(with_data(role, data), "local") == NAMES
    every = {role: loose[role] for role in ("tools", *YAML)}
    assert checked(replace(GOOD, **every), "local") == NAMES
    assert checked(replace(GOOD, **{role: data.replace(b"\n", b"\r\n") for role, data in every.items()}), "local") == NAMES
    assert checked(replace(GOOD, **{role: b"\xef\xbb\xbf" + data for role, data in every.items()}), "local") == NAMES


def relaid(data: bytes) -> bytes:
    """The same YAML as flow style in one long line, with a comment."""
    return b"# reviewed\n" + json.dumps(text.parse_yaml(data, "x").value).encode() + b"\n"
