"""Three toolpacks to call at random, calls of every kind to them, and an upstream in memory that logs what is written to it.

The packs: the bundled demo; the example project, or (where CASK_SHARED names them) the recordings of a real application; and tools whose plans use every
style of parameter and every kind of body. A call may fit its tool, nearly fit it, or be anything at all.
"""

import gzip
import json
import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpcore2

from caskmcp.errors import CaskError
from caskmcp.model.policy import Match, Policy, Rule
from caskmcp.model.project import EnvironmentHost
from caskmcp.model.tool import Tool
from caskmcp.runtime.surface import Surface
from tests.support import calls, random_tools
from tests.support.chain import Chain
from tests.support.terminal import ROOT
from tests.support.upstream import Heard, answer

SHARED: Final = Path(os.environ.get("CASK_SHARED", "/nonexistent"))
POLICY: Final = Policy(rules=(Rule(id="all", effect="allow", match=Match()),))
NASTY: Final = (
    "..", ".", "../..", "..\\", "%2e%2e", "%252e", "..;", "..%00", "\0", "\r\n", "\n", " ", "\t", "?", "#", "&", "=", ";", "//evil.test/", "@", ":", "|", ",",
    "http://169.254.169.254/", "\u2025", "\uff0e\uff0e", "\u2028", "\ud800", "\x85", "ü", "😀", "", "+", "[", "]", '"', "'", "\\", "$ref", "__proto__", "a", "7", "%",
    "\r\nHost: evil.test\r\n", "--cask-", "; q=1", "x" * 5000,
)  # fmt: skip
NAMES: Final = (
    "host",
    "url",
    "method",
    "path",
    "headers",
    "__proto__",
    "Authorization",
    "X-HTTP-Method-Override",
    "",
    "a b",
    "\r\n",
    "order_id",
)


# ---------------------------------------------------------------- packs
@dataclass(frozen=True)
class Pack:
    """A toolpack's tools as they are served, and as records for the judge."""

    name: str
    surface: Surface
    records: Mapping[str, Mapping[str, Any]]


def packs() -> tuple[Pack, ...]:
    """The three of them."""
    return _pack("example", _demo()), _pack("second", _real() or _storefront()), _pack("traps", traps())


def _pack(name: str, tools: tuple[Tool, ...]) -> Pack:
    hosts = sorted({tool.request.host for tool in tools})
    places = {host: EnvironmentHost(url="http://127.0.0.1:8080", private=True) for host in hosts}
    ports = {f"{tool.request.host}:{tool.request.port}" for tool in tools if tool.request.port}
    places |= {host: EnvironmentHost(url="http://127.0.0.1:8080", private=True) for host in ports}
    surface = calls.served(*tools, policy=POLICY, environment=places)
    return Pack(name, surface, {tool.name: json.loads(tool.model_dump_json(by_alias=True)) for tool in tools})


def _compiled(sources: Mapping[str, tuple[str, bytes]], hosts: list[str]) -> tuple[Tool, ...]:
    chain = Chain(sources, hosts=hosts, id="fuzzed").run("emit")
    rows = json.loads(chain.outputs["emit"]["files"]["tools.json"])["tools"]
    return tuple(Tool.model_validate_json(json.dumps(row)) for row in rows)


def _demo() -> tuple[Tool, ...]:
    data = (ROOT / "caskmcp" / "workflows" / "demo" / "recording.har").read_bytes()
    return _compiled({"demo": ("har", data)}, ["api.shop.example"])


def _storefront() -> tuple[Tool, ...]:
    place = ROOT / "fixtures" / "projects" / "storefront"
    hars = {path.name: ("har", path.read_bytes()) for path in sorted((place / "captures").glob("*.har"))}
    return _compiled({**hars, "spec": ("openapi", (place / "specs" / "returns.yaml").read_bytes())}, ["api.shop.example"])


def _real() -> tuple[Tool, ...]:
    place = SHARED / "truth" / "labelstudio" / "recording_a.har.gz"
    return _compiled({"a": ("har", gzip.decompress(place.read_bytes()))}, ["labelstudio.truth.test"]) if place.is_file() else ()


def traps(count: int = 60) -> tuple[Tool, ...]:
    """Tools of every style of parameter and kind of body that the runtime takes."""
    rnd, made = random.Random("traps"), list[Tool]()
    while len(made) < count:
        try:
            tool = random_tools.Sender(random_tools.record(rnd)).tool
        except (CaskError, ValueError):
            continue  # no plan: the record refuses it
        if calls.served(tool).tools:
            made.append(tool.model_copy(update={"name": f"trap_{len(made):02d}", "effect": "read"}))
    return tuple(made)


# ---------------------------------------------------------------- calls
def call(rnd: random.Random, pack: Pack) -> tuple[str, dict[str, Any]]:
    """A tool's name and arguments."""
    names = list(pack.records)
    name = rnd.choice(names)
    schema = pack.records[name]["input_schema"]
    turn = rnd.random()
    if turn < 0.02:
        return rnd.choice(["nothing", "", name.upper(), name + "\0", "../" + name]), {}
    arguments = fitting(rnd, schema, wild=0.0 if turn < 0.3 else 0.7)
    if turn > 0.85:
        arguments = rnd.choice(_SPOILED)(rnd, arguments)
    return name, arguments


def fitting(rnd: random.Random, schema: Mapping[str, Any], wild: float) -> dict[str, Any]:
    """Arguments for an input schema, as `value` makes them."""
    required, properties = schema.get("required", []), schema.get("properties", {})
    chosen = [name for name in properties if name in required or rnd.random() < 0.4]
    return {name: value(rnd, properties[name], schema.get("$defs", {}), wild) for name in chosen}


def value(rnd: random.Random, schema: Any, defined: Mapping[str, Any], wild: float, depth: int = 0) -> Any:
    """A value that fits a schema as far as its keywords are simple. wild: how often its texts are chosen to break out."""
    if not isinstance(schema, Mapping) or depth > 6:
        return None
    if "$ref" in schema:
        return value(rnd, defined.get(str(schema["$ref"]).removeprefix("#/$defs/"), {}), defined, wild, depth + 1)
    for part in ("anyOf", "oneOf", "allOf"):
        if schema.get(part):
            return value(rnd, rnd.choice(schema[part]), defined, wild, depth + 1)
    if "enum" in schema:
        return rnd.choice(schema["enum"])
    if "const" in schema:
        return schema["const"]
    kinds = schema.get("type", ["string", "integer", "object"])
    kind = kinds if isinstance(kinds, str) else rnd.choice(kinds)
    return _KINDS[kind](rnd, schema, defined, wild, depth)


def _object(rnd: random.Random, schema: Mapping[str, Any], defined: Mapping[str, Any], wild: float, depth: int) -> Any:
    required, properties = schema.get("required", []), schema.get("properties", {})
    chosen = [name for name in properties if name in required or rnd.random() < 0.5]
    made = {name: value(rnd, properties[name], defined, wild, depth + 1) for name in chosen}
    return made | ({text(rnd, wild): text(rnd, wild)} if rnd.random() < wild else {})


def _array(rnd: random.Random, schema: Mapping[str, Any], defined: Mapping[str, Any], wild: float, depth: int) -> Any:
    low = schema.get("minItems", 0)
    return [value(rnd, schema.get("items", {}), defined, wild, depth + 1) for _ in range(rnd.randint(low, low + 2))]


def _string(rnd: random.Random, schema: Mapping[str, Any], _: Mapping[str, Any], wild: float, __: int) -> Any:
    made = _FORMATS.get(schema.get("format", ""), "") if rnd.random() >= wild else ""
    made = made or text(rnd, wild)
    return made.ljust(schema.get("minLength", 0), "a")[: schema.get("maxLength", 1 << 20)]


def text(rnd: random.Random, wild: float) -> str:
    """A text, plain or made to break out."""
    if rnd.random() < wild:
        return "".join(rnd.choices(NASTY, k=rnd.randint(1, 4)))
    return "".join(rnd.choices("abcxyz0189-_~. ", k=rnd.randint(1, 12)))


def _integer(rnd: random.Random, schema: Mapping[str, Any], _: Mapping[str, Any], wild: float, __: int) -> Any:
    low = schema.get("minimum", 0)
    high = schema.get("maximum", low + 1000)
    return rnd.choice([-1, 10**30, 2**63, 1.5, 3.0]) if rnd.random() < wild / 3 else rnd.randint(int(low), max(int(low), int(high)))


def _number(rnd: random.Random, *more: Any) -> Any:
    return rnd.choice([0, 1.5, -0.0, 1e21, float(rnd.randint(0, 99))])


_FORMATS: Final = {
    "date-time": "2026-11-21T12:00:00Z",
    "date": "2026-11-21",
    "uuid": "6f1c1a3e-1d7a-4b0e-9f5b-0c7f1f3f2a11",
    "email": "a@b.example",
    "uri": "https://a.example/x",
}
_KINDS: Final[Mapping[str, Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": lambda rnd, *_: rnd.random() < 0.5,
    "null": lambda *_: None,
}


def _lacking(rnd: random.Random, arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: said for name, said in arguments.items() if rnd.random() < 0.5}


def _more(rnd: random.Random, arguments: dict[str, Any]) -> dict[str, Any]:
    return {**arguments, rnd.choice(NAMES): text(rnd, 0.5)}


def _mixed(rnd: random.Random, arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: anything(rnd) for name in arguments}


def anything(rnd: random.Random, depth: int = 0) -> Any:
    """Any JSON value, and some that are none."""
    if depth < 4 and rnd.random() < 0.3:
        inner = [anything(rnd, depth + 1) for _ in range(rnd.randint(0, 3))]
        return inner if rnd.random() < 0.5 else {text(rnd, 0.5): each for each in inner}
    return rnd.choice([text(rnd, 0.7), rnd.randint(-(2**70), 2**70), rnd.random(), True, None, float("nan"), float("inf"), 10**400, ""])


def _deep(rnd: random.Random, arguments: dict[str, Any]) -> dict[str, Any]:
    made: Any = "x"
    for _ in range(rnd.choice([10, 100, 900])):
        made = [made] if rnd.random() < 0.5 else {"a": made}
    return {**arguments, rnd.choice([*arguments, "deep"]): made}


_SPOILED: Final = (_lacking, _more, _mixed, _mixed, _deep)


# ---------------------------------------------------------------- an upstream in memory
class Stream(httpcore2.AsyncNetworkStream):
    """One connection: requests are cut out of what is written, as a server would."""

    def __init__(self, log: list[Heard]) -> None:
        self._log = log
        self._rest = b""
        self._answers = bytearray()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Take bytes; log each request that is whole."""
        self._rest += buffer
        while (found := _request(self._rest)) is not None:
            heard, self._rest = found
            self._log.append(heard)
            self._answers += ANSWER

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes of the answers."""
        piece = bytes(self._answers[:max_bytes])
        del self._answers[:max_bytes]
        return piece

    async def aclose(self) -> None:
        """Nothing to close."""

    def get_extra_info(self, info: str) -> Any:
        """Whether there is something to read that nobody asked for: there never is."""
        return False if info == "is_readable" else None


ANSWER: Final = answer(b'{"id":7,"name":"Lamp","items":[{"id":1}]}').replace(b"Connection: close\r\n", b"")


def _request(data: bytes) -> tuple[Heard, bytes] | None:
    head, end, rest = data.partition(b"\r\n\r\n")
    heard = Heard(head.decode("latin-1"), b"")
    length = int(heard.header("content-length") or 0) if end else 0
    return (Heard(heard.head, rest[:length]), rest[length:]) if end and len(rest) >= length else None


@dataclass
class Memory(httpcore2.AsyncNetworkBackend):
    """Where every connection leads: no socket is opened. `log` is what was asked, and where it was dialled."""

    log: list[Heard] = field(default_factory=list)
    dialled: set[tuple[str, int]] = field(default_factory=set)

    async def connect_tcp(self, host: str, port: int, *more: Any, **named: Any) -> httpcore2.AsyncNetworkStream:
        """A connection."""
        self.dialled.add((host, port))
        return Stream(self.log)


def several(seed: str, packs: tuple[Pack, ...], count: int) -> Iterator[tuple[Pack, str, dict[str, Any]]]:
    """Calls over all packs; the same for the same seed."""
    rnd = random.Random(seed)
    for number in range(count):
        pack = packs[number % len(packs)]
        yield pack, *call(rnd, pack)
