"""The twin of a toolpack's upstream, started on 127.0.0.1: for `serve --twin`, for `verify --twin`, for tests.

Promises: it answers from the redacted captures under the root, or, where there is none, from what the committed contracts say, seeded by their
digest; the same toolpack, captures and faults give the same answers and the same digest. It opens no connection and reads no credential.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, Literal

from caskmcp import canon
from caskmcp.canon import Digest
from caskmcp.compiler.capture.codec import decode_whole
from caskmcp.errors import CaskError
from caskmcp.model.contract import Contract, Contracts
from caskmcp.model.exchange import Exchange
from caskmcp.model.pack import AdmittedPack
from caskmcp.model.project import EnvironmentHost
from caskmcp.ports import Files, World
from caskmcp.runtime.twin.faults import Faulty, planted
from caskmcp.runtime.twin.invent import is_schema
from caskmcp.runtime.twin.operations import known
from caskmcp.runtime.twin.play import Twin
from caskmcp.runtime.twin.seeded import seeded
from caskmcp.runtime.twin.server import Server
from caskmcp.runtime.twin.wire import authority
from caskmcp.store.layout import Pack, Root
from caskmcp.workflows import here

SCHEMA: Final = "caskmcp/twin/1"
NAME: Final = "twin"
ARTIFACT: Final = "contracts.yaml"


@dataclass(frozen=True)
class Running:
    """A twin that listens."""

    port: int
    digest: Digest
    """Names what it answers: the lock's content, the contracts, the captures, the faults. For evidence."""
    source: Literal["capture", "observations"]
    captures: tuple[str, ...]
    """Ids of the captures that it answers from, sorted."""
    places: Mapping[str, EnvironmentHost]
    """Host -> where it is found now, as an environment of the manifest would say it."""

    def instead(self, pack: AdmittedPack) -> AdmittedPack:
        """The admitted pack with every call going to the twin, and no credential with it. A host that it does not stand for has no place."""
        return replace(pack, environment=self.places, auth={})


@contextmanager
def running(world: World, pack: Pack, *, captures: Sequence[str] | None = None, faults: Sequence[str] = ()) -> Iterator[Running]:
    """Start the twin of a toolpack; it ends with the context, and forgets what was written to it.

    captures: ids of captures under the root; None: all that hold something of its hosts; none at all: from the contracts alone.
    faults: rows of `runtime.twin.faults`, `NAME` or `NAME:OPERATION`, that it has on purpose.
    Raises CASK-I002 where the toolpack holds no contracts, CASK-L002 for contracts that are none, CASK-I010 for a capture, fault or operation that is not there, CASK-C001 for damage.
    """
    root = here.root(world)
    data = _contracts(world.files, pack)
    contracts = _sound(Contracts.from_yaml(data, ARTIFACT, code="CASK-L002").contracts)
    hosts = sorted({authority(row.scheme, row.host, row.port) for row in contracts})
    rows = {name: _exchanges(world.files, root, name, hosts) for name in _captures(world.files, root, captures)}
    ids = tuple(name for name, each in rows.items() if each)
    heard = known(contracts, (row for each in rows.values() for row in each))
    model = seeded(heard)
    source: Literal["capture", "observations"] = "capture" if heard.told else "observations"
    digest = canon.digest(
        {
            "schema": SCHEMA,
            "lock": str(canon.digest_bytes(world.files.read(pack.lock))) if world.files.exists(pack.lock) else "",
            "contracts": str(canon.digest_bytes(data)),
            "captures": list(ids),
            "faults": sorted(faults),
        }
    )
    twin = Twin(model)
    with Server(Faulty(twin, planted(twin, faults)).answer, hosts) as server:
        place = EnvironmentHost(url=f"http://127.0.0.1:{server.port}", private=True)
        yield Running(server.port, digest, source, ids, dict.fromkeys(hosts, place))


def _contracts(files: Files, pack: Pack) -> bytes:
    path = pack.artifact(ARTIFACT)
    if not files.exists(path):
        what = "contracts.yaml was not emitted, and the twin is made from it"
        raise CaskError("CASK-I002", what, place=str(path), mend="add `contracts` to `emit:` in cask.yaml, then cask build")
    return files.read(path)


def _sound(contracts: tuple[Contract, ...]) -> tuple[Contract, ...]:
    """The contracts. Raises CASK-L002 for one with a schema that is none: what is written by hand is read here before anybody signed it."""
    for row in contracts:
        asked = (*(each.schema_ for each in row.parameters), *(each.schema_ for each in row.bodies))
        schemas = (*asked, *(each.schema_ for each in row.responses))
        if not all(is_schema(schema) for schema in schemas if schema is not None):
            raise CaskError("CASK-L002", f"a schema of `{row.id}` is no JSON Schema", place=ARTIFACT, mend="cask build")
    return contracts


def _captures(files: Files, root: Root, wanted: Sequence[str] | None) -> tuple[str, ...]:
    here_ = [each for each in files.listing(root.captures) if files.exists(root.exchanges(each))]
    for name in wanted or ():
        if name not in here_:
            raise CaskError("CASK-I010", f"there is no capture `{name}`", mend="cask capture list")
    return tuple(sorted(here_ if wanted is None else set(wanted)))


def _exchanges(files: Files, root: Root, capture: str, hosts: Collection[str]) -> list[Exchange]:
    """What a capture holds of these hosts: another project's capture under the same root is none of this one's."""
    items = decode_whole(files.chunks(root.exchanges(capture)))
    return [row for row in items if isinstance(row, Exchange) and authority(row.scheme, row.host, row.port) in hosts]
