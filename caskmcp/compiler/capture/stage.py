"""The stage `capture`: one source's bytes in, its redacted exchanges (or declared operations, or proposals) and the receipt out.

Works exchange by exchange in bounded memory. Redaction comes before anything is given out; what is left out is counted with its reason. The
capture's id depends neither on the order of entries nor on the redaction key.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

import msgspec

from caskmcp import canon
from caskmcp.compiler.capture.address import DEFAULT_PORTS, Address, FirstParties, named
from caskmcp.compiler.capture.codec import compress, encode_definitions, encode_line, packed, with_private
from caskmcp.compiler.capture.intake import Intake
from caskmcp.compiler.capture.select import Keep
from caskmcp.compiler.capture.sources.interface import Recorded
from caskmcp.compiler.capture.sources.table import source
from caskmcp.compiler.pipeline import Inputs, Outputs
from caskmcp.errors import CaskError
from caskmcp.model.exchange import CaptureHead, Declared, Exchange, Proposed, Skipped
from caskmcp.model.shared import Table
from caskmcp.redact.cut import Redactor
from caskmcp.redact.placeholder import keyfree

NAMED: Final = 100
"""Broken entries that are named one by one."""
SAMPLE: Final = 64
"""Digests of exchanges that a head keeps."""
EXAMPLES: Final = 5
"""Requests of one reason that are listed."""
SHOWN: Final = 8
"""Hosts that an error names."""
Item = Recorded | Declared | Proposed | Exchange | Skipped
"""What a source gives; of these only an `Exchange` was redacted before."""


def run(inputs: Inputs) -> Outputs:
    """`exchanges`: gzip pieces of NDJSON, made as they are asked for. `head`: the receipt, once `exchanges` is exhausted.

    Raises (while `exchanges` is read) CaskError CASK-C001, CASK-C002 or CASK-C005 of the source, and CASK-C003 if nothing was kept.
    """
    capture, items = account(inputs), source(str(inputs.value("source.kind"))).read(inputs.blocks("source"))
    return {"exchanges": compress(capture.lines(items)), "head": capture.head()}


def account(inputs: Inputs) -> "Capture":
    """An empty account of the source that the inputs name."""
    redact, key = inputs.value("project.redact") or {}, inputs.data("secret.redaction")
    return _account(str(inputs.value("source.kind")), inputs.value("project.hosts"), redact, key, inputs.value("project.keep") or ())


def redacted(
    items: Iterable[Item], *, kind: str, hosts: Iterable[str], redact: Mapping[str, Any], key: bytes, keep: Iterable[str] = ()
) -> Outputs:
    """As `run`, for items that no file holds: those of a live recorder, or of a conversion. redact, keep: the manifest's sections; key: the root's.

    The items are asked for one by one, while `exchanges` is read; what they raise is raised there.
    """
    capture = _account(kind, hosts, redact, key, keep)
    return {"exchanges": compress(capture.lines(items)), "head": capture.head()}


def _account(kind: str, hosts: Iterable[str], redact: Mapping[str, Any], key: bytes, keep: Iterable[str]) -> "Capture":
    profile, exceptions = redact.get("profile", "strict"), redact.get("keep", ())
    own = [(row["name"], row["re"]) for row in redact.get("patterns", ())]
    redactor = Redactor(key, profile, redact.get("keys", ()), exceptions, own)
    capture = Capture(kind, tuple(hosts), redactor, Keep(keep))
    capture.profile, capture.exceptions = profile, tuple(sorted(exceptions))
    return capture


class Capture:
    """The running account of one source, or of a piece of it."""

    def __init__(self, kind: str, hosts: tuple[str, ...], redactor: Redactor, keep: Keep) -> None:
        self._kind = kind
        self._hosts = hosts
        self._parties = FirstParties(hosts)
        self._redactor = redactor
        self._intake = Intake(hosts, redactor, keep)
        self._digests: list[str] = []
        self._skipped: Counter[str] = Counter()
        self._third: Counter[str] = Counter()
        self._broken: list[tuple[str, str]] = []
        self._templates: set[str] = set()
        self._routes: set[tuple[str, str]] = set()
        self._no_body = 0
        self._compiled = 0
        self._proposed = 0
        self._auth: Counter[tuple[str, str]] = Counter()
        self._left: Counter[tuple[str, str]] = Counter()
        self._restored: Counter[str] = Counter()
        self._done = False
        self._table = Table()
        self._told = 0
        self.members: list[int] = []
        """Bytes of each piece of the exchanges that was made."""
        self.profile = "strict"
        self.exceptions: tuple[str, ...] = ()

    def lines(self, items: Iterable[Item]) -> Iterator[bytes]:
        """Each kept item as a line, in the source's order. Raises CaskError CASK-C003 at the end, if there was none."""
        yield from self.some(items)
        self.finish()

    def some(self, items: Iterable[Item]) -> Iterator[bytes]:
        """As `lines`, for a part of the items."""
        for item in items:
            taken = self._taken(item)
            if isinstance(taken, Skipped):
                self._leave_out(taken)
            else:
                yield self._keep(*taken)

    def finish(self) -> None:
        """Note that all items were read. Raises CaskError CASK-C003 if nothing was kept."""
        if not self._digests:
            raise self._nothing()
        self._done = True

    def head(self) -> Iterator[bytes]:
        """The encoded `CaptureHead`. Raises RuntimeError if it is asked for before the lines are all read: our bug."""
        if not self._done:
            raise RuntimeError("the head of a capture was asked for before its exchanges")
        yield msgspec.json.encode(
            CaptureHead(
                id=canon.hexadecimal(canon.digest_stream(f"{digest}\n".encode("ascii") for digest in sorted(self._digests))),
                kind=self._kind,
                kept=len(self._digests),
                skipped=tuple(sorted(self._skipped.items())),
                hosts=tuple(sorted(self._third.items())),
                cuts=tuple(sorted((detector, place, count) for (detector, place), count in self._redactor.counts.items())),
                broken=tuple(self._broken),
                templates=tuple(sorted(self._templates)),
                routes=tuple(sorted(self._routes)),
                no_body=self._no_body,
                auth=tuple((host, way, count) for (host, way), count in sorted(self._auth.items())),
                left=tuple(_most_frequent(self._left)),
                compiled=self._compiled,
                proposed=self._proposed,
                sample=tuple(sorted({canon.hexadecimal(canon.Digest(each))[:16] for each in self._digests})[:SAMPLE]),
                origins=tuple(sorted(self._intake.origins)),
                restored=tuple(sorted(self._restored.items())),
                profile=self.profile,
                exceptions=self.exceptions,
                members=tuple(self.members),
            )
        )

    def told(self) -> dict[str, Any]:
        """What was counted so far, for `add` in another process."""
        tallies = {name: getattr(self, name) for name in _TALLIES}
        return {"tallies": tallies, "cuts": self._redactor.counts, "origins": self._intake.origins, "broken": self._broken}

    def add(self, told: Mapping[str, Any]) -> None:
        """Add what was counted of the next part of the source; entries are numbered on."""
        before = len(self._digests) + self._skipped.total()
        moved = ((f"entry {before + int(place.removeprefix('entry '))}", detail) for place, detail in told["broken"])
        self._broken = [*self._broken, *moved][:NAMED]
        for name, found in told["tallies"].items():
            setattr(self, name, _sum(getattr(self, name), found))
        self._redactor.counts.update(told["cuts"])
        self._intake.origins |= told["origins"]

    def _taken(self, item: Item) -> tuple[Exchange | Declared | Proposed, bytes] | Skipped:
        if isinstance(item, Recorded):
            return self._intake.take(item)
        if isinstance(item, Declared):
            return self._declared(item)
        if isinstance(item, Proposed):
            return self._offered(item)
        return self._again(item) if isinstance(item, Exchange) else item

    def _again(self, item: Exchange) -> tuple[Exchange, bytes] | Skipped:
        """An exchange that was redacted when it was imported; the manifest may have fewer hosts by now."""
        where = Address(item.scheme, item.host, item.port, item.path, (), False)
        if where not in self._parties:
            return Skipped(f"{item.method} {item.host}", "third party", host=named(where))
        return item, encode_line(msgspec.structs.replace(item, links=(), session=""))

    def _keep(self, item: Exchange | Declared | Proposed, line: bytes) -> bytes:
        """Account for an item; `line` is its encoding without the links and the session, which are the key's."""
        self._digests.append(canon.digest_bytes(keyfree(line)))
        if isinstance(item, Proposed):
            self._proposed += 1
            return line
        self._auth.update((f"{item.host}:{item.port}" if item.port else item.host, way) for way in item.auth)
        if isinstance(item, Declared):
            self._templates.add(item.path)
            self._compiled += item.compiled
            return self._definitions() + line
        if item.route:
            self._routes.add((item.host, item.route))
        self._restored.update([item.kept] if item.kept else ())
        self._no_body += item.response is not None and item.response.kind == "absent"
        return with_private(line, item)

    def _definitions(self) -> bytes:
        """A line of the definitions that no line told yet; nothing if there is none. They count as part of the operations that name them."""
        fresh = dict(islice(self._table.rows.items(), self._told, None))
        self._told += len(fresh)
        return encode_definitions(fresh) if fresh else b""

    def _leave_out(self, skipped: Skipped) -> None:
        self._skipped[skipped.reason] += 1
        if skipped.label:
            self._left[skipped.reason, skipped.label] += 1
        if skipped.host:
            self._third[self._redactor.name(skipped.host, "host")] += 1
        if skipped.detail and len(self._broken) < NAMED:
            self._broken.append((skipped.place, skipped.detail))

    def _declared(self, item: Declared) -> tuple[Declared, bytes] | Skipped:
        """A declared operation of a first party; one without a host belongs to the manifest's first."""
        if not item.host:
            host, _, port = self._hosts[0].partition(":")
            scheme = item.scheme or "https"
            item = msgspec.structs.replace(item, scheme=scheme, host=host, port=_port(scheme, int(port or 0)))
        where = Address(item.scheme, item.host, item.port, item.path, (), False)
        if where not in self._parties:
            return Skipped(item.operation_id or f"{item.method} {item.path}", "third party", host=named(where))
        item = packed(item, self._table)
        return item, encode_line(item)

    def _offered(self, item: Proposed) -> tuple[Proposed, bytes] | Skipped:
        """What a first party's site offers."""
        where = Address(item.scheme, item.host, item.port, "/", (), False)
        if where not in self._parties:
            return Skipped(f"{item.source} {item.host}", "third party", host=named(where))
        return item, encode_line(item)

    def _nothing(self) -> CaskError:
        total = self._skipped.total()
        seen = [host for host, _ in sorted(self._third.items(), key=lambda row: (-row[1], row[0]))][:SHOWN]
        left_out = ", ".join(f"{reason} {count}" for reason, count in sorted(self._skipped.items()) if reason != "third party")
        told = "; ".join(
            part for part in (f"hosts seen: {', '.join(seen)}" if seen else "", f"left out: {left_out}" if left_out else "") if part
        )
        return CaskError(
            "CASK-C003",
            f"0 of {total} entries kept" + (f"; {told}" if told else ""),
            mend=f"name the first-party host: `hosts: [{seen[0]}]` in cask.yaml, or `-a {seen[0]}`" if seen else "record a call of the API",
        )


_TALLIES: Final = (
    "_digests", "_skipped", "_third", "_templates", "_routes", "_no_body", "_compiled", "_proposed", "_auth", "_left", "_restored",
)  # fmt: skip


def _sum(one: Any, other: Any) -> Any:
    """Two tallies of one kind together."""
    return one | other if isinstance(one, set) else one + other


def _most_frequent(left: Counter[tuple[str, str]]) -> Iterator[tuple[str, str, int]]:
    for reason in sorted({reason for reason, _ in left}):
        rows = sorted((-count, label) for (other, label), count in left.items() if other == reason)
        yield from sorted((reason, label, -count) for count, label in rows[:EXAMPLES])


def _port(scheme: str, port: int) -> int:
    return 0 if port == DEFAULT_PORTS.get(scheme) else port
