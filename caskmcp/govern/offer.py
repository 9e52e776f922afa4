"""What a toolpack offers: its files as bytes read once, and the records in them with the digest of each subject.

A file that cannot be read as a whole is refused as a whole (CASK-L002); a record of a wrong form spoils itself alone. Nothing here is
trusted yet: that is `admit`'s to say.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, TypeVar

from caskmcp import canon, text
from caskmcp.canon import Digest
from caskmcp.errors import CaskError
from caskmcp.govern import lockfile
from caskmcp.model import policy as policies
from caskmcp.model import tool as tools
from caskmcp.model import toolset as toolsets
from caskmcp.model.artifact import Auth, Environments, Toolpack
from caskmcp.model.pack import PackFiles
from caskmcp.model.policy import Policy
from caskmcp.model.project import ID
from caskmcp.model.record import Record
from caskmcp.model.served import served, shared
from caskmcp.model.tool import Tool
from caskmcp.model.toolset import Toolsets
from caskmcp.ports import Files
from caskmcp.store.layout import Pack
from caskmcp.text import Document

R = TypeVar("R", bound=Record)

POLICY: Final = "policy"
_HANDOFF: Final = 1 << 20
"""Bytes of `toolpack.yaml`, which names files and libraries."""
_ROOT_FILE: Final = re.compile(r"([1-9][0-9]{0,5})\.root\.json", re.ASCII)


@dataclass(frozen=True)
class OfferedTool:
    """One record of `tools.json`."""

    name: str
    """As it says; `#3` for a record without a name."""
    tool: Tool | None
    content: Mapping[str, Any] | None
    """Its served record: what a statement on it covers."""
    problem: str = ""
    """Why there is none."""

    @property
    def subject(self) -> str:
        """`tool:NAME`."""
        return f"tool:{self.name}"

    @cached_property
    def digest(self) -> Digest:
        """Of its served record; of null without one. Computed once: the door, the lock and the report each ask for it."""
        return canon.digest(self.content)

    @property
    def toolsets(self) -> tuple[str, ...]:
        """Declared toolsets that hold it, sorted."""
        return tuple(self.content["toolsets"]) if self.content else ()


@dataclass(frozen=True)
class Offer:
    """The records of a toolpack."""

    tools: tuple[OfferedTool, ...]
    toolsets: Toolsets
    policy: Policy
    environments: Environments
    auth: Auth
    shared: Mapping[str, Mapping[str, Any]]
    """`policy`, `env:NAME`, `auth:HOST` -> content."""
    broken: Mapping[str, str]
    """Shared subject of a wrong form -> problem."""

    @cached_property
    def contents(self) -> Mapping[str, Mapping[str, Any]]:
        """Subject -> what a statement on it covers."""
        return {**self.shared, **{row.subject: row.content for row in self.tools if row.content is not None}}


# ---------------------------------------------------------------- bytes
def read(files: Files, pack: Pack, *, contents: bool = False) -> PackFiles:
    """Read everything that is served, once. Raises CASK-L002 for an artifact that is missing, CASK-I011 where there is no toolpack.

    contents: approved contents too, whether or not the trust root lets them count.
    """
    lock = files.read(pack.lock, text.MAX_BYTES) if files.exists(pack.lock) else None
    roots = tuple(files.read(pack.trust / name, text.MAX_BYTES) for name in root_files(files, pack))
    return PackFiles(
        id=identity(files, pack),
        lock=lock,
        roots=roots,
        contents=dict(_contents(files, pack, lock or b"")) if contents or _may_narrow(roots) else {},
        **{role: _artifact(files, pack, name) for role, name in NAMES.items()},
    )


_DIGEST: Final = re.compile(rb"sha256:([0-9a-f]{64})")


def _may_narrow(roots: tuple[bytes, ...]) -> bool:
    """Whether the newest version looks as if it let approvals count for less: then contents are read. Whether it does is for the door to say."""
    return bool(roots) and b"auto_narrowing" in roots[-1]


def _contents(files: Files, pack: Pack, lock: bytes) -> Iterator[tuple[str, bytes]]:
    """Approved contents that the lock names. One that cannot be read is left out: it proves nothing, and its tool waits."""
    here = set(files.listing(pack.contents))
    for name in sorted({found.decode("ascii") for found in _DIGEST.findall(lock)}):
        if f"{name}.json" in here:
            with suppress(CaskError):  # what cannot be read proves nothing
                yield f"sha256:{name}", files.read(pack.content(name), text.MAX_BYTES)


NAMES: Final = {
    "tools": "tools.json",
    "toolsets": "toolsets.yaml",
    "policy": "policy.yaml",
    "environments": "environments.yaml",
    "auth": "auth.yaml",
}
"""Field of `PackFiles` -> file below `artifact/`."""


def identity(files: Files, pack: Pack) -> str:
    """The toolpack's id, as `toolpack.yaml` says."""
    if not files.exists(pack.toolpack):
        raise CaskError("CASK-I011", "there is no toolpack here", place=str(pack.path), mend="cask build")
    try:
        data = files.read(pack.toolpack, _HANDOFF)
    except CaskError as cause:
        raise _unreadable(cause, pack.toolpack.name) from cause
    document = _document(data, pack.toolpack.name, _yaml, Toolpack.model_fields["format"].default)
    try:
        handoff = Toolpack.of(replace(document, name=str(pack.toolpack)))
    except CaskError as cause:
        raise _unreadable(cause, pack.toolpack.name) from cause
    if not ID.fullmatch(handoff.id):
        raise CaskError("CASK-L002", f"`{handoff.id}` is no toolpack id", place=str(pack.toolpack), mend="cask build")
    return handoff.id


def root_files(files: Files, pack: Pack) -> list[str]:
    """The versions of the trust root that lie here, in order of their number."""
    found = (_ROOT_FILE.fullmatch(name) for name in files.listing(pack.trust))
    return [match[0] for match in sorted(filter(None, found), key=lambda match: int(match[1]))]


def _artifact(files: Files, pack: Pack, name: str) -> bytes:
    path = pack.artifact(name)
    if not files.exists(path):
        raise CaskError("CASK-L002", f"{name} is missing", place=str(path), mend="cask build")
    return files.read(path, text.MAX_BYTES)


# ---------------------------------------------------------------- records
def parse(files: PackFiles) -> Offer:
    """Read the records. Raises CASK-L002 for a file that cannot be read as a whole, CASK-I008 for another version of a format."""
    policy = _policy(files.policy)
    sets, _ = _records(files.toolsets, "toolsets.yaml", toolsets.SCHEMA, "toolsets", Toolsets)
    environments, bad = _records(files.environments, "environments.yaml", "caskmcp/environments/1", "environments", Environments)
    auth, worse = _records(files.auth, "auth.yaml", "caskmcp/auth/1", "hosts", Auth)
    broken = {**{f"env:{name}": problem for name, problem in bad.items()}, **{f"auth:{host}": problem for host, problem in worse.items()}}
    return Offer(
        tools=_tools(files.tools, policy, sets),
        toolsets=sets,
        policy=policy,
        environments=environments,
        auth=auth,
        shared=shared(policy, environments, auth),
        broken=broken,
    )


def _policy(data: bytes) -> Policy:
    document = _document(data, "policy.yaml", _yaml, policies.SCHEMA)
    try:
        policy = Policy.of(document)
        canon.digest(policy.model_dump(mode="json"))
    except CaskError as cause:
        raise _unreadable(cause, "policy.yaml") from cause
    return policy


def _records(data: bytes, name: str, schema: str, key: str, model: type[R]) -> tuple[R, dict[str, str]]:
    """A file that is a map of records: those of a right form, and what is wrong with the others.

    A map without a record is left out by the compiler, as any default; of toolsets there are always some.
    """
    document = _document(data, name, _yaml, schema)
    rows = document.value.get(key, None if model is Toolsets else {})
    if not isinstance(rows, dict) or set(document.value) - {"schema", key}:
        raise _unreadable(CaskError("CASK-I004", f"expected `schema` and `{key}`", place=document.place(), mend="cask build"), name)
    good: dict[str, Any] = {}
    broken: dict[str, str] = {}
    for row, value in rows.items():
        try:
            good.update(getattr(model.of(Document(name, {key: {row: value}}, {})), key))
            canon.digest(value)
        except CaskError as cause:
            good.pop(row, None)
            broken[row] = f"{document.place((key, row))}: {cause.what}"
    return model(**{key: good}), broken


def _tools(data: bytes, policy: Policy, sets: Toolsets) -> tuple[OfferedTool, ...]:
    document = _document(data, "tools.json", lambda raw, name: Document(name, text.parse_json(raw, name), {}), tools.SCHEMA)
    rows = document.value.get("tools")
    if not isinstance(rows, list) or set(document.value) != {"schema", "tools"}:
        raise _unreadable(CaskError("CASK-I004", "expected `schema` and `tools`", place="tools.json", mend="cask build"), "tools.json")
    return tuple(_tool(row, index, policy, sets) for index, row in enumerate(rows))


def _tool(row: Any, index: int, policy: Policy, sets: Toolsets) -> OfferedTool:
    name = row.get("name") if isinstance(row, dict) else None
    try:
        tool = Tool.of(Document(f"tools.json:#{index}", row, {}))
        found = OfferedTool(tool.name, tool, served(tool, policy, sets))
        _ = found.digest  # what has no canonical form was signed by nobody
    except CaskError as cause:
        return OfferedTool(name if isinstance(name, str) else f"#{index}", None, None, cause.what)
    return found


def _yaml(data: bytes, name: str) -> Document:
    return text.parse_yaml(data, name, values=lockfile.VALUES)


def _document(data: bytes, name: str, reader: Callable[[bytes, str], Document], schema: str) -> Document:
    try:
        document = reader(data, name)
    except CaskError as cause:
        raise _unreadable(cause, name) from cause
    if not isinstance(document.value, dict) or not isinstance(document.value.get("schema"), str):
        raise _unreadable(CaskError("CASK-I004", "it does not name its schema", place=document.place(), mend="cask build"), name)
    if document.value["schema"] != schema:
        what = f"the schema of {name} is `{document.value['schema'][:100]}`, this program reads {schema}"
        raise CaskError("CASK-I008", what, place=document.place(("schema",)), mend="pip install --upgrade caskmcp")
    return document


def _unreadable(cause: CaskError, name: str) -> CaskError:
    return CaskError("CASK-L002", f"{name} cannot be read: {cause.what}", place=cause.place or name, mend="cask build")
