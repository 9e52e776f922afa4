"""The corpus of targets that a call must not reach, judged by a hook on the dialling: which address a connection was opened to.

A target is the approved place of a tool, or the `Location` that its upstream answers. Names are answered by the corpus's own stub; nothing is
ever dialled in earnest.
"""

import ipaddress
import json
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies

import anyio
import httpcore2
import pytest

from caskmcp.errors import CODES
from caskmcp.model.project import EnvironmentHost
from caskmcp.runtime import conduct as driver
from caskmcp.runtime.commands import Resolve
from caskmcp.runtime.conduct import Hands
from caskmcp.runtime.confirm import Confirmations
from caskmcp.runtime.respond import Result
from caskmcp.runtime.state import State
from caskmcp.runtime.surface import Surface
from caskmcp.runtime.upstream import Upstream
from caskmcp.store.credentials import ReferencedCredentials
from tests.support import audited
from tests.support.calls import HOST, flight, literal, served, tool
from tests.support.world import CountingEntropy

CORPUS: Final = Path(__file__).parents[2] / "fixtures" / "hostile" / "ssrf.jsonl"
CASES: Final = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]
OTHERS: Final = {
    "ssrf-d-0091": "reading a document is the compiler's",
    "ssrf-d-0092": "reading a document is the compiler's",
    "ssrf-d-0109": "the compiler writes hosts as A-labels; here a host beyond ASCII is refused",
    "ssrf-d-0110": "a plan names one host; there are no wildcards to approve",
}
"""Cases that are judged elsewhere, and why."""


class Dial(httpcore2.AsyncNetworkBackend):
    """Notes each address, and answers with fixed bytes."""

    def __init__(self, reply: bytes) -> None:
        self.dialled: list[str] = []
        self._reply = reply

    async def connect_tcp(self, host: str, port: int, **more: Any) -> httpcore2.AsyncNetworkStream:
        self.dialled.append(host)
        return httpcore2.AsyncMockStream([self._reply])


class StubbedNames(Upstream):
    """The real client, with the corpus's answers in the resolver's place."""

    def __init__(self, case: dict[str, Any], dial: Dial) -> None:
        super().__init__(dial)
        self._sequences = {name: list(rows) for name, rows in case.get("dns_seq", {}).items()}
        self._fixed = case.get("dns", {})

    async def addresses(self, ask: Resolve) -> tuple[str, ...]:
        rows = self._sequences.get(ask.host)
        if rows:
            return tuple(rows.pop(0) if len(rows) > 1 else rows[0])
        return tuple(self._fixed.get(ask.host, ()))


def approved(case: dict[str, Any]) -> str:
    """The origin that was approved: the URL's own, or what `approved` names where that is another one."""
    named = case.get("approved", [None])[0]
    parts = urlsplit(case["url"]) if case["url"].count("[") == case["url"].count("]") else None
    own = parts.netloc.lower() if parts else None
    return case["url"] if named is None or own in (named, f"{named}.") else f"https://{named}/"


def place(case: dict[str, Any], url: str) -> Surface:
    """A tool whose place is the URL's. Raises ValueError for a URL that has no host to approve."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 0
    of = (
        tool(scheme=parts.scheme, host=host, port=port, segments=(literal(""),), properties={}, required=())
        if parts.scheme in ("http", "https")
        else None
    )
    if of is None:
        return served(
            tool(segments=(literal(""),), properties={}, required=()), environment={HOST: EnvironmentHost.model_construct(url=url)}
        )
    if not private(case, host):
        return served(of)
    key = f"{host}:{port}" if port else host
    return served(of, environment={key: EnvironmentHost.model_construct(url=url, private=True)})


def private(case: dict[str, Any], host: str) -> bool:
    blocks = [ipaddress.ip_network(block) for block in case.get("private_allow", [])]
    try:
        return any(ipaddress.ip_address(host) in block for block in blocks)
    except ValueError:
        return False


def run(case: dict[str, Any], url: str, location: str | None, folder: Path) -> tuple[Result, list[str]]:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    if location is not None:
        line = location.encode("ascii", errors="replace").replace(b"\t", b" ")
        head = b"HTTP/1.1 302 Found\r\nLocation: " + line + b"\r\nContent-Length: 0\r\n\r\n"
    dial = Dial(head)

    async def go() -> Result:
        state = State(folder / "state.db")
        names = StubbedNames(case, dial)
        with_ = Hands(state, Confirmations(state, CountingEntropy()), names, ReferencedCredentials({}), audited.journal(folder))
        with closing(state):
            return await driver.conduct(flight("get_order", place(case, url)), with_, [].append)

    return anyio.run(go), dial.dialled


def test_the_corpus_is_whole() -> None:
    assert len(CASES) == 114
    assert set(OTHERS) <= {case["id"] for case in CASES}


@pytest.mark.feature(78)
@pytest.mark.parametrize("case", [case for case in CASES if case["id"] not in OTHERS], ids=lambda case: f"{case['id']}-{case['why'][:40]}")
def test_the_verdict_of_each_target_holds(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in case.get("env", {}).items():
        monkeypatch.setenv(name, value)
    origin = approved(case)
    location = case["response"]["location"] if "response" in case else case["url"] if origin != case["url"] else None
    try:
        result, dialled = run(case, origin, location, tmp_path)
    except ValueError:  # a URL that no parser takes: there is nothing that could be approved
        assert case["expect"] == "refuse"
        return
    answers = {
        address
        for rows in [*case.get("dns", {}).values(), *(row for rows in case.get("dns_seq", {}).values() for row in rows)]
        for address in rows
    }
    judged = JUDGES[case["expect"]]
    judged(case, result, dialled, answers, location)


def refuse(case: dict[str, Any], result: Result, dialled: list[str], answers: set[str], location: str | None) -> None:
    """No connection to the target, and a code. Where the target is a redirect's, the approved place may have been asked."""
    assert result.error in CODES
    assert result.error.startswith(("CASK-E", "CASK-R"))
    assert len(dialled) <= (1 if location is not None else 0)
    assert "8.8.4.4" not in dialled


def allow(case: dict[str, Any], result: Result, dialled: list[str], answers: set[str], location: str | None) -> None:
    literal_host = urlsplit(case["url"]).hostname or ""
    assert len(dialled) == 1
    assert dialled[0] in (answers or {literal_host})
    assert result.error == ("" if location is None else "CASK-R008")


def never_connect(case: dict[str, Any], result: Result, dialled: list[str], answers: set[str], location: str | None) -> None:
    assert not set(dialled) & set(case["never_connect"])
    assert dialled


def refuse_hop(case: dict[str, Any], result: Result, dialled: list[str], answers: set[str], location: str | None) -> None:
    assert dialled == ["1.1.1.1"]
    assert result.error == "CASK-E005"


def ignore_env(case: dict[str, Any], result: Result, dialled: list[str], answers: set[str], location: str | None) -> None:
    assert dialled == ["1.1.1.1"]
    assert result.error == ""


JUDGES: Final = {"refuse": refuse, "allow": allow, "never_connect": never_connect, "refuse_hop": refuse_hop, "ignore_env": ignore_env}


def test_every_way_of_judging_is_used() -> None:
    assert {case["expect"] for case in CASES if case["id"] not in OTHERS} == set(JUDGES)


# ---------------------------------------------------------------- without the guards
def unguarded(monkeypatch: pytest.MonkeyPatch, *guards: str) -> None:
    """Take guards away. Each stands for what it does when it lets everything pass."""
    for guard in guards:
        monkeypatch.setattr(guard, LETS_PASS[guard])


ADDRESSES: Final = ("caskmcp.runtime.egress.check_address", "caskmcp.runtime.upstream.check_address")
HOSTS: Final = "caskmcp.runtime.egress.strict_host"
LETS_PASS: Final[dict[str, Any]] = {
    ADDRESSES[0]: lambda *_, **__: None,
    ADDRESSES[1]: lambda *_, **__: None,
    HOSTS: lambda host, **_: host.lower().removesuffix("."),
    "caskmcp.runtime.egress.leaving": lambda *_: None,
}


def without(case: dict[str, Any], *stages: str) -> bool:
    return case["expect"] == "refuse" and case["stage"] in stages and case["id"] not in OTHERS


TWICE: Final = {
    "ssrf-d-0045": "with a zone it is a name that nobody resolves",
    "ssrf-d-0055": "a host beyond ASCII cannot be written into a request either",
    "ssrf-d-0056": "a host beyond ASCII cannot be written into a request either",
    "ssrf-d-0057": "a host beyond ASCII cannot be written into a request either",
}
"""Cases that another guard refuses too, and which."""
REACHED: Final = [case for case in CASES if without(case, "connect") and case["id"] not in TWICE]
"""Cases that the hook at the connection refuses: by the form of the host, or by the address behind it."""


@pytest.mark.parametrize("case", REACHED, ids=lambda case: f"{case['id']}-{case['why'][:40]}")
def test_without_the_guards_on_hosts_and_addresses_the_target_is_reached(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unguarded(monkeypatch, *ADDRESSES, HOSTS)
    result, dialled = run(case, approved(case), None, tmp_path)
    wanted = {address for rows in case.get("dns", {}).values() for address in rows} or {(urlsplit(case["url"]).hostname or "").lower()}
    assert len(dialled) == 1, "the verdict above would hold without the guards"
    assert dialled[0] in wanted
    assert result.error == ""


def test_most_of_the_corpus_is_refused_at_the_connection() -> None:
    assert len(REACHED) > 55


HOPS: Final = [case for case in CASES if case["expect"] == "refuse_hop"]


@pytest.mark.parametrize("case", HOPS, ids=lambda case: f"{case['id']}-{case['why'][:20]}")
def test_without_the_guard_on_redirects_nothing_is_followed_either_and_no_credential_goes_along(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no code that follows one: the guard only tells where it would have led."""
    unguarded(monkeypatch, "caskmcp.runtime.egress.leaving", *ADDRESSES)
    result, dialled = run(case, approved(case), case["response"]["location"], tmp_path)
    assert dialled == ["1.1.1.1"]
    assert result.error == "CASK-R008"


def test_the_name_is_looked_up_once_so_that_a_second_answer_reaches_nobody(tmp_path: Path) -> None:
    """Rebinding: the address that was checked is the one that is dialled. Were it looked up again, the second answer would be this machine."""
    case = next(case for case in CASES if case["stage"] == "rebind")
    names = StubbedNames(case, Dial(b""))

    async def twice() -> tuple[tuple[str, ...], tuple[str, ...]]:
        ask = Resolve("api.tinyshop.example", 443)
        return await names.addresses(ask), await names.addresses(ask)

    assert anyio.run(twice) == (("1.1.1.1",), ("127.0.0.1",))
    _, dialled = run(case, case["url"], None, tmp_path)
    assert dialled == ["1.1.1.1"]


def test_a_client_that_heeds_the_environment_would_go_to_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The case on proxies holds because nothing of ours reads these variables, not because they are not set."""
    case = next(case for case in CASES if case["expect"] == "ignore_env")
    for name, value in case["env"].items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value)
    assert getproxies()["http"] == "http://127.0.0.1:3128"


def test_the_address_is_checked_at_the_dial_even_if_the_step_before_let_it_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caskmcp.runtime.egress.allowed", lambda addresses, _: addresses)
    case = next(case for case in CASES if case["why"] == "metadata answer")
    result, dialled = run(case, case["url"], None, tmp_path)
    assert dialled == []
    assert result.error == "CASK-E003"
