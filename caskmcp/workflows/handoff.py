"""`toolpack.yaml`, the handoff: written last, and only where the artifacts are others, so that a new toolchain that gives the same bytes
changes no file."""

from collections.abc import Mapping

from caskmcp import canon
from caskmcp.errors import CaskError
from caskmcp.model.artifact import Toolchain, Toolpack
from caskmcp.text import dump_yaml


def record(toolpack: str, toolchain: Toolchain, artifacts: Mapping[str, bytes]) -> Toolpack:
    """The handoff of artifacts, by file name."""
    digests: dict[str, str] = {name: canon.digest_bytes(artifacts[name]) for name in sorted(artifacts)}
    return Toolpack(id=toolpack, toolchain=toolchain, artifacts=digests)


def render(toolpack: Toolpack) -> bytes:
    """The bytes of `toolpack.yaml`."""
    return dump_yaml(toolpack.model_dump(mode="json", by_alias=True))


def read(data: bytes) -> Toolpack | None:
    """The handoff as it lies there; None if it cannot be read, or is not written as we write it."""
    try:
        found = Toolpack.from_yaml(data, "toolpack.yaml")
    except CaskError:
        return None
    return found if render(found) == data else None


def stands(found: Toolpack | None, wanted: Toolpack) -> bool:
    """Whether the handoff that lies there says the same of the same artifacts; who compiled them may differ."""
    return found is not None and (found.id, found.artifacts) == (wanted.id, wanted.artifacts)
