"""`cask serve`: read the toolpack once, pass the one door, serve what it lets through on stdio or HTTP until the client goes."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple, Protocol

from caskmcp.errors import CaskError, Exit
from caskmcp.govern import lockfile, offer, pins, trust
from caskmcp.govern.admit import admit
from caskmcp.govern.seal import RecordSealer
from caskmcp.load import load
from caskmcp.model.pack import AdmittedPack, PackFiles
from caskmcp.model.trust import Pin, TrustPin
from caskmcp.ports import World
from caskmcp.runtime import mcp_server, retry
from caskmcp.runtime.breaker import Breaker
from caskmcp.runtime.clean import clean
from caskmcp.runtime.conduct import Hands, Watch
from caskmcp.runtime.confirm import Confirmations
from caskmcp.runtime.mcp_server import Front, Setting, Shelf
from caskmcp.runtime.record import Journal
from caskmcp.runtime.surface import Surface, explained
from caskmcp.runtime.upstream import Upstream, trusting
from caskmcp.store.layout import Pack, Root
from caskmcp.text import visible
from caskmcp.workflows import here, keeping

CONFIGURATION = "config.yaml"
"""The user's own, in their configuration folder; read by `store/personal.py` where it is there."""


class _Names(NamedTuple):
    """What a stamp is made of."""

    every: tuple[Path, ...]
    folder: int
    """Where the folder of trust roots stands among them."""
    seen: Hashable
    """Its stat when it was listed."""


@dataclass(frozen=True)
class PackOnDisk:
    """The served toolpack's files, and the door that they pass (`runtime.reload.Source`)."""

    world: World
    pack: Pack
    id: str
    """The toolpack's id when the server was started; it cannot become another one's."""
    condition: TrustPin | None
    environment: str | None
    elsewhere: "Elsewhere | None" = None
    """Where calls go instead of the approved places."""

    def stamp(self) -> Hashable:
        """The stat of every file that is served, of the folder of trust roots, and of the pins.

        Which versions of the trust root lie there is asked again whenever their folder is another one than it was.
        """
        names = self._names
        stats = self.world.files.stat_keys(names.every)
        if stats[names.folder] != names.seen:
            names = self.__dict__["_names"] = self._named()
            stats = self.world.files.stat_keys(names.every)
        return names.every, stats

    @cached_property
    def _names(self) -> "_Names":
        return self._named()

    def _named(self) -> "_Names":
        fixed = (self.pack.toolpack, self.pack.lock, *(self.pack.artifact(name) for name in offer.NAMES.values()))
        anchors = (pins.place(self.world.config, self.id), pins.strict_place(self.world.system, self.id))
        seen = self.world.files.stat_keys([self.pack.trust])[0]  # before it is listed: what comes in meanwhile makes it another one
        roots = (self.pack.trust / name for name in offer.root_files(self.world.files, self.pack))
        return _Names((*fixed, *anchors, self.pack.trust, *roots), len(fixed) + len(anchors), seen)

    def read(self) -> PackFiles:
        """Every byte that is served, once."""
        return offer.read(self.world.files, self.pack)

    def anchor(self) -> Pin | None:
        """What this machine accepted for this toolpack."""
        return here.pin(self.world, self.id)

    def admit(self, files: PackFiles) -> AdmittedPack:
        """Pass the door, and remember what was seen: sequences only rise."""
        if files.id != self.id:
            raise CaskError(
                "CASK-L002", f"the toolpack calls itself {files.id} now, it was {self.id}", place=str(self.pack.toolpack), mend="cask build"
            )
        pin = here.pin(self.world, files.id)
        pack = admit(files, pin=pin, condition=self.condition, environment=self.environment, at=self.world.clock.now())
        here.remember(self.world, pack.pin)
        return pack if self.elsewhere is None else self.elsewhere.instead(pack)

    def ends(self, files: PackFiles) -> tuple[str, ...]:
        """Times at which an approval or the trust root ends. A pack that cannot be read has none: the door refuses it anyway."""
        try:
            lock, chain = lockfile.read(files.lock, files.id), trust.chain(files.roots, files.id)
        except CaskError:
            return ()
        approvals = (row.statement.not_after for rows in lock.lock.subjects.values() for row in rows)
        return tuple(sorted(end for end in (*approvals, chain.current.expires) if end is not None))

    def now(self) -> str:
        """The time of day."""
        return self.world.clock.now()


class Elsewhere(Protocol):
    """What answers in the place of the approved upstreams (`workflows/serve_twin.py`)."""

    @property
    def name(self) -> str:
        """What the record calls the place."""

    def instead(self, pack: AdmittedPack) -> AdmittedPack:
        """The admitted pack with its calls going there, and with no more rights."""

    def upstream(self) -> Upstream:
        """What sends there, and nowhere else."""


@dataclass(frozen=True)
class Web:
    """What `serve --http` was given (`workflows/serve_http.py`)."""

    at: str
    """`HOST:PORT`, or a port of the loopback address."""
    token_file: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    public_url: str | None = None
    """Under which clients reach it, if that is not the address that it listens on."""
    behind_proxy: bool = False
    """Whether a proxy that ends TLS stands in front."""


@dataclass(frozen=True)
class Asked:
    """What `cask serve` was asked for."""

    toolpacks: tuple[str, ...] = ()
    """Several toolpacks in one server; none: the one that `--toolpack` or the root says."""
    toolset: str | None = None
    environment: str | None = None
    dry_run: bool = False
    trust_pin: str | None = None
    search: bool = False
    """Whether clients see `search` and `call` in place of the tools."""
    client_dialogue: bool = False
    """Whether the client's own dialogue may answer for calls below tier high."""
    web: Web | None = None
    """Streamable HTTP; None: stdio."""
    otel: str | None = None
    """Address of a collector of traces and metrics; None: nothing is told to anybody."""
    state: str | None = None
    """Reference to the URL of the state that replicas share; None: the root's own."""
    twin: bool = False
    """Whether calls go to a twin of the upstream on this machine."""


def run(world: World, asked: Asked) -> Exit:
    """Serve until the client closes its end or the person ends it. Raises what the door raises (exit 4), CASK-I010 for an unknown toolset."""
    if asked.twin:
        status: Exit = load("workflows.serve_twin:run")(world, asked)
        return status
    return served(world, asked)


def served(world: World, asked: Asked, elsewhere: Elsewhere | None = None) -> Exit:
    """As `run`. elsewhere: where calls go instead of the approved places."""
    log = load("workflows.serve_http:log")(world) if asked.web else lambda line: world.console.note(visible(line))
    front = front_of(world, asked, log, elsewhere)
    front.start()
    refuse_unknown(front.surfaces, asked.toolset)
    said = visible(greeting(front.surfaces, asked))
    if asked.web is not None:  # a client that starts the server on stdio does not wait for the import of a web server
        status: Exit = load("workflows.serve_http:run")(world, asked.web, front, said)
        return status
    world.console.note(said)
    try:
        mcp_server.run(front)
    except KeyboardInterrupt:
        world.console.note("ended")
    return Exit.CLEAN


def on_disk(world: World, trust_pin: str | None, environment: str | None, elsewhere: Elsewhere | None = None) -> PackOnDisk:
    """The chosen toolpack, as it is served. Raises what finding it raises."""
    pack = here.pack(world)
    return PackOnDisk(world, pack, offer.identity(world.files, pack), here.condition(world, trust_pin), environment, elsewhere)


def admitted(world: World, *, environment: str | None, trust_pin: str | None) -> AdmittedPack:
    """What `run` would serve now. Raises what the door raises (exit 4)."""
    source = on_disk(world, trust_pin, environment)
    return source.admit(source.read())


def front_of(world: World, asked: Asked, log: Callable[[str], None], elsewhere: Elsewhere | None = None) -> Front:
    """The server with its ports. Toolpacks of one root share their state."""
    sources: list[PackOnDisk] = []
    made: dict[Path, Hands] = {}
    shelves: list[Shelf] = []
    watch: Watch | None = load("workflows.telemetry:watch")(asked.otel) if asked.otel is not None else None
    for name in asked.toolpacks or (world.toolpack,):
        of = replace(world, toolpack=name)
        root, source = here.root(of), on_disk(of, asked.trust_pin, asked.environment, elsewhere)
        made[root.path] = made.get(root.path) or _sending(replace(hands(world, root, asked.state), watch=watch), elsewhere)
        sources.append(source)
        shelves.append(Shelf(source.id, source, made[root.path]))
    refuse_twice([source.id for source in sources])
    title = ", ".join(source.id for source in sources)
    setting = Setting(
        title,
        asked.toolset,
        asked.dry_run,
        world.clock,
        world.entropy,
        clean,
        log,
        asked.environment if elsewhere is None else elsewhere.name,
        search=asked.search,
        dialogue=asked.client_dialogue,
    )
    return Front(shelves, setting)


def _sending(given: Hands, elsewhere: Elsewhere | None) -> Hands:
    """The ports with a sender that reaches only what answers instead."""
    return given if elsewhere is None else replace(given, upstream=elsewhere.upstream())


def hands(world: World, root: Root, reference: str | None = None) -> Hands:
    """The ports that answer the gateway. reference: of a state that replicas share."""
    state = keeping.keeper(world, root, reference)
    journal = Journal(world.files, root.audit, world.entropy, RecordSealer(world.files, root.audit, world.entropy))
    breaker, delay = Breaker(state, world.clock), partial(retry.delay, entropy=world.entropy)
    return Hands(
        state,
        Confirmations(state, world.entropy),
        upstream(world),
        world.credentials,
        journal,
        breaker=breaker,
        delay=delay,
    )


def upstream(world: World) -> Upstream:
    """The way out, with the authorities that the user's configuration names. Raises CASK-H002 for a file that holds none."""
    if not world.files.exists(world.config / CONFIGURATION):
        return Upstream()
    rows = load("store.personal:authorities")(world.files, world.config).items()
    return Upstream(trusted={host: trusting(data, str(path)) for host, (path, data) in rows})


def refuse_twice(ids: Sequence[str]) -> None:
    """Raise CASK-I010 for a toolpack that was named twice: an approval could not say which one it means."""
    twice = sorted(name for name, count in Counter(ids).items() if count > 1)
    if twice:
        raise CaskError("CASK-I010", f"the toolpack {twice[0]} is named twice", mend="cask serve --help")


def refuse_unknown(surfaces: Sequence[Surface], toolset: str | None) -> None:
    """Raise CASK-I010 for a toolset that no pack has."""
    known = sorted({name for surface in surfaces if surface.pack for name in surface.pack.toolsets})
    if toolset is not None and toolset not in known:
        raise CaskError("CASK-I010", f"there is no toolset `{toolset}`; here are: {', '.join(known) or 'none'}", mend="cask gate status")


def greeting(surfaces: Sequence[Surface], asked: Asked) -> str:
    """What the person who starts the server reads: what is served, and why the rest is not."""
    return "\n".join(line for surface in surfaces for line in _greeting(surface, asked))


def _greeting(surface: Surface, asked: Asked) -> Iterator[str]:
    count, name = len(surface.listed), surface.pack.toolpack if surface.pack else "a toolpack is refused"
    dry, by = " (dry run: nothing is sent)" if asked.dry_run else "", " through search" if asked.search else ""
    yield f"cask: {name}: {count} {'tool is' if count == 1 else 'tools are'} served on {'HTTP' if asked.web else 'stdio'}{by}{dry}"
    if not count:
        yield "cask: the list is empty: nothing is approved yet, or no approval holds; `cask gate status` tells more"
    yield from (f"  not served: {line}" for line in explained(surface))
