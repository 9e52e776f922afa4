"""`cask serve`: read the toolpack once, pass the one door, serve what it lets through on stdio until the client goes."""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from caskmcp.errors import CaskError, Exit
from caskmcp.govern import lockfile, offer, pins, trust
from caskmcp.govern.admit import admit
from caskmcp.model.pack import AdmittedPack, PackFiles
from caskmcp.model.trust import Pin, TrustPin
from caskmcp.ports import World
from caskmcp.runtime import mcp_server
from caskmcp.runtime.clean import clean
from caskmcp.runtime.conduct import Hands
from caskmcp.runtime.confirm import Confirmations
from caskmcp.runtime.mcp_server import Front, Setting
from caskmcp.runtime.record import Journal
from caskmcp.runtime.state import State
from caskmcp.runtime.surface import Surface, explained
from caskmcp.runtime.upstream import Upstream
from caskmcp.store.layout import Pack, Root
from caskmcp.text import visible
from caskmcp.workflows import here


@dataclass(frozen=True)
class PackOnDisk:
    """The served toolpack's files, and the door that they pass (`runtime.reload.Source`)."""

    world: World
    pack: Pack
    id: str
    """The toolpack's id when the server was started; it cannot become another one's."""
    condition: TrustPin | None
    environment: str | None

    def stamp(self) -> Hashable:
        """The stat of every file that is served, and of the pin."""
        fixed = (self.pack.toolpack, self.pack.lock, *(self.pack.artifact(name) for name in offer.NAMES.values()))
        roots = tuple(self.pack.trust / name for name in offer.root_files(self.world.files, self.pack))
        anchors = (pins.place(self.world.config, self.id), pins.strict_place(self.world.system, self.id))
        return tuple((str(path), self._key(path)) for path in (*fixed, *roots, *anchors))

    def _key(self, path: Path) -> Hashable:
        try:
            return self.world.files.stat_key(path)
        except CaskError as gone:
            return gone.code

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
        return pack

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


def run(world: World, *, toolset: str | None, environment: str | None, dry_run: bool, trust_pin: str | None) -> Exit:
    """Serve until the client closes its end or the person ends it. Raises what the door raises (exit 4), CASK-I010 for an unknown toolset."""
    pack = here.pack(world)
    source = PackOnDisk(world, pack, offer.identity(world.files, pack), here.condition(world, trust_pin), environment)
    front = front_of(world, source, toolset=toolset, dry=dry_run)
    surface = front.live.start()
    refuse_unknown(surface, toolset)
    world.console.note(visible(greeting(surface, dry=dry_run)))
    try:
        mcp_server.run(front)
    except KeyboardInterrupt:
        world.console.note("ended")
    return Exit.CLEAN


def front_of(world: World, source: PackOnDisk, *, toolset: str | None, dry: bool) -> Front:
    """The server with its ports."""
    root = here.root(world)
    setting = Setting(
        source.id, toolset, dry, world.clock, world.entropy, clean, lambda line: world.console.note(visible(line)), source.environment
    )
    return Front(source, hands(world, root), setting)


def hands(world: World, root: Root) -> Hands:
    """The ports that answer the gateway."""
    state = State(root.confirmations)
    return Hands(state, Confirmations(state, world.entropy), Upstream(), world.credentials, Journal(world.files, root.audit))


def refuse_unknown(surface: Surface, toolset: str | None) -> None:
    """Raise CASK-I010 for a toolset that the pack does not have."""
    known = sorted(surface.pack.toolsets) if surface.pack else []
    if toolset is not None and toolset not in known:
        raise CaskError("CASK-I010", f"there is no toolset `{toolset}`; here are: {', '.join(known) or 'none'}", mend="cask gate status")


def greeting(surface: Surface, *, dry: bool) -> str:
    """What the person who starts the server reads: what is served, and why the rest is not."""
    count, name = len(surface.listed), surface.pack.toolpack if surface.pack else ""
    head = f"cask: {name}: {count} {'tool is' if count == 1 else 'tools are'} served on stdio{' (dry run: nothing is sent)' if dry else ''}"
    empty = () if count else ("cask: the list is empty: nothing is approved yet, or no approval holds; `cask gate status` tells more",)
    return "\n".join((head, *empty, *(f"  not served: {line}" for line in explained(surface))))
