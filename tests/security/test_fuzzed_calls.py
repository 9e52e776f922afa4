"""Whatever an agent calls with: what the upstream logs is in the called tool's grammar, or nothing was sent; no call ends in a fault; memory stays flat.

All tools of three packs (`tests/support/fuzzed.py`), through the gateway with the real client behind it, into an upstream in memory; and through `cask serve`
over sockets. The judge (`tests/support/grammar.py`) knows nothing of the code that writes requests. A small share is run by default;
CASK_FUZZ says how many calls are made in this process, CASK_FUZZ_SOCKET how many over a socket (0: none).
"""

import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.govern.seal import RecordSealer
from caskmcp.runtime import plan, wire
from caskmcp.runtime.clean import clean
from caskmcp.runtime.conduct import Hands, conduct
from caskmcp.runtime.confirm import Confirmations
from caskmcp.runtime.gateway import Call, Flight
from caskmcp.runtime.record import Journal
from caskmcp.runtime.state import State
from caskmcp.runtime.upstream import Upstream
from caskmcp.store.credentials import ReferencedCredentials
from caskmcp.store.files import LocalFiles
from tests.support import fuzzed, serving
from tests.support import packs as signed
from tests.support import upstream as loopback
from tests.support.fuzzed import Pack, several
from tests.support.grammar import outside
from tests.support.web import Web
from tests.support.world import NOON, CountingEntropy

CALLS = int(os.environ.get("CASK_FUZZ", "1000"))
SEED = os.environ.get("CASK_FUZZ_SEED", "calls")
"""Others give other calls."""
OVER_A_SOCKET = int(os.environ.get("CASK_FUZZ_SOCKET", "0"))
GROWTH = 24 << 20
"""Bytes that the process may grow by from the first tenth of the calls to the last."""


@pytest.fixture(scope="module")
def three() -> tuple[Pack, ...]:
    return fuzzed.packs()


class Unsynced(LocalFiles):
    """The disk without waiting for it: what is measured is not the disk."""

    def sync(self, path: Path) -> None:
        return


class Caller:
    """Calls tools one after the other, and judges what was sent for each."""

    def __init__(self, folder: Path) -> None:
        self.memory = fuzzed.Memory()
        state = State(folder / "confirmations.db")
        self.folder = folder / "audit"
        files, entropy = Unsynced(), CountingEntropy("fuzz")
        journal = Journal(files, self.folder, entropy, RecordSealer(files, self.folder, entropy))
        self.hands = Hands(state, Confirmations(state, CountingEntropy("ask")), Upstream(self.memory), ReferencedCredentials({}), journal)
        self.told: list[str] = []
        self.codes: Counter[str] = Counter()
        self.problems: list[str] = []
        self.sent = 0

    async def call(self, pack: Pack, name: str, arguments: dict[str, Any]) -> None:
        """One call."""
        flight = Flight(Call(f"{sum(self.codes.values()):016x}", name, arguments, "stdio", NOON), pack.surface, clean)
        result = await conduct(flight, self.hands, self.told.append)
        self.codes[result.error or "sent"] += 1
        for heard in self.memory.log:
            self.sent += 1
            why = outside(pack.records[name], heard.head, heard.body) if name in pack.records else "no such tool"
            self.problems += [f"{name} {arguments!r:.300}: {why}"] if why else []
        if len(self.memory.log) != (result.error == ""):
            self.problems.append(f"{name}: {len(self.memory.log)} requests, and the answer is {result.error or 'one'}")
        self.memory.log.clear()

    def forget(self) -> None:
        """Throw the record's full segments away: a million lines are not kept for this."""
        for path in sorted(self.folder.glob("*.jsonl"))[:-1]:
            path.unlink()


def resident() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def made(folder: Path, rows: Iterator[tuple[Pack, str, dict[str, Any]]], count: int) -> tuple[Caller, int]:
    """Call them all. Returns the caller, and by how many bytes memory grew after the first tenth."""
    caller, sizes = Caller(folder), [0]

    async def run() -> None:
        for number, (pack, name, arguments) in enumerate(rows):
            await caller.call(pack, name, arguments)
            if number == count // 10:
                sizes[0] = resident()
            if number % 50_000 == 49_999:
                caller.forget()
                print(f"{number + 1} calls, {resident() >> 20} MiB, {dict(caller.codes)}, {len(caller.problems)} problems", flush=True)
        await caller.hands.upstream.aclose()

    anyio.run(run)
    caller.hands.state.close()
    return caller, resident() - sizes[0]


@pytest.mark.feature(77)
@pytest.mark.timeout(0)
def test_every_request_that_the_upstream_logs_is_in_its_tools_grammar(three: tuple[Pack, ...], tmp_path: Path) -> None:
    caller, grown = made(tmp_path, several(SEED, three, CALLS), CALLS)
    assert caller.problems == []
    assert caller.told == [], "no call ends in a fault"
    assert "CASK-R011" not in caller.codes
    assert caller.memory.dialled == {("127.0.0.1", 8080)}
    assert caller.codes["sent"] > CALLS / 10, caller.codes
    assert caller.codes["CASK-R002"] > CALLS / 20
    assert caller.codes["CASK-R003"] > 0
    assert grown < GROWTH, f"{grown >> 20} MiB"


def test_with_the_encoding_taken_out_requests_leave_their_grammar(
    three: tuple[Pack, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "escaped", str)
    caller, _ = made(tmp_path, several("calls", three, 600), 600)
    assert caller.problems


def test_with_the_guard_of_segments_taken_out_requests_climb(
    three: tuple[Pack, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "_climbs", lambda decoded: False)
    rows = [(pack, name, climbing(record)) for pack in three for name, record in pack.records.items()]
    caller, _ = made(tmp_path, iter(rows), len(rows))
    assert any("climbs" in problem for problem in caller.problems), caller.codes


def climbing(record: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that fit, but for the path: there they climb."""
    pieces = [piece for segment in record["request"]["segments"] for piece in segment["pieces"]]
    fit = fuzzed.fitting(random.Random(1), record["input_schema"], 0.0)
    return fit | {piece["argument"]: ".." for piece in pieces if piece["argument"]}


TEXTS = st.one_of(st.text(max_size=20), st.lists(st.sampled_from(fuzzed.NASTY), max_size=4).map("".join))
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(), st.floats(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=5,
)


@settings(max_examples=max(30, settings().max_examples // 3))
@given(st.integers(0, 2), st.randoms(use_true_random=False), st.data())
def test_no_value_that_a_search_finds_leaves_the_grammar(
    three: tuple[Pack, ...], tmp_path_factory: pytest.TempPathFactory, which: int, rnd: random.Random, data: st.DataObject
) -> None:
    pack = three[which]
    name = data.draw(st.sampled_from(sorted(pack.records)))
    schema = pack.records[name]["input_schema"]
    arguments = fuzzed.call(rnd, Pack(pack.name, pack.surface, {name: pack.records[name]}))[1]
    arguments |= data.draw(st.dictionaries(st.sampled_from(sorted(schema["properties"]) or ["x"]), VALUES, max_size=3))
    caller, _ = made(tmp_path_factory.mktemp("found"), iter([(pack, name, arguments)]), 1)
    assert (caller.problems, caller.told) == ([], [])


# ---------------------------------------------------------------- over a socket
@pytest.mark.skipif(not OVER_A_SOCKET, reason="takes minutes: CASK_FUZZ_SOCKET says how many calls are made over a socket")
@pytest.mark.slow
@pytest.mark.timeout(0)
def test_every_request_of_a_server_on_a_socket_is_in_its_tools_grammar(three: tuple[Pack, ...], tmp_path: Path) -> None:
    tools = {name: row.admitted.tool for pack in three for name, row in pack.surface.tools.items()}
    records = {name: record for pack in three for name, record in pack.records.items()}
    everything = Pack("all", three[0].surface, records)
    rnd, problems, codes = random.Random("socket"), [], Counter[str]()
    with loopback.Upstream(lambda _: loopback.answer()) as upstream:
        shop = approved(tmp_path, upstream, tools)
        with Web(shop) as web:
            first = 0
            for number in range(OVER_A_SOCKET):
                name, arguments = fuzzed.call(rnd, everything)
                codes[asked(web, name, arguments)] += 1
                for heard in upstream.heard:
                    why = (
                        outside(records.get(name, {}), heard.head, heard.body, credential="authorization") if name in records else "no tool"
                    )
                    problems += [f"{name} {arguments!r:.300}: {why}"] if why else []
                upstream.heard.clear()
                first = first or (memory(web) if number > OVER_A_SOCKET // 10 else 0)
                if number % 1000 == 999:
                    print(f"{number + 1} calls over a socket, {memory(web) >> 20} MiB, {dict(codes)}, {len(problems)} problems", flush=True)
            grown = memory(web) - first
            print(f"{OVER_A_SOCKET} calls over a socket: {dict(codes)}; grown by {grown >> 20} MiB to {memory(web) >> 20} MiB")
            assert web.process.poll() is None
    assert problems == []
    assert "CASK-R011" not in codes
    assert codes["sent"] > OVER_A_SOCKET / 10
    assert grown < GROWTH


def approved(folder: Path, upstream: loopback.Upstream, tools: dict[str, Any]) -> serving.Project:
    """A project with all of the tools, signed."""
    places = {row.request.host: serving.EnvironmentHost(url=upstream.url, private=True) for row in tools.values()}
    environments = serving.Environments(environments={"local": places})
    files = signed.pack_files(
        tuple(tools.values()), policy=fuzzed.POLICY, environments=environments, declared={"support": tuple(tools)[:1]}
    )
    files = signed.with_roots(files, signed.sign.sign_root(signed.ROOT, signed.T1))
    files = signed.approve(files, *(f"tool:{name}" for name in tools), *signed.SHARED)
    serving.pins.write(LocalFiles(), folder / "home" / ".config" / "caskmcp", signed.PIN)
    return serving.Project(folder, upstream, signed.write(files, folder / ".caskmcp"), files)


def asked(web: Web, name: str, arguments: dict[str, Any]) -> str:
    """Call over HTTP; the code of the answer, or `sent`."""
    name = name if name.isprintable() and name.strip() == name != "" else "nothing"  # it stands in a header as well
    message = web.ask("tools/call", {"name": name, "arguments": arguments}).message
    if "error" in message:
        return str(message["error"].get("code"))
    return str(message["result"].get("_meta", {}).get("dev.caskmcp/error", {}).get("code", "sent"))


def memory(web: Web) -> int:
    """Resident bytes of the server."""
    rows = Path(f"/proc/{web.process.pid}/status").read_text().splitlines()
    return int(next(row for row in rows if row.startswith("VmRSS:")).split()[1]) << 10
