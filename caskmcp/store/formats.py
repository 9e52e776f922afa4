"""The versions of our own files: which format lies where, and how one version becomes the next.

Promises that a file of a version that this program does not know is refused by its name before anything is written, and that a file of an
earlier one becomes the present one step by step. Whether what was approved still counts is not for here: a statement covers content.
"""

from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, NamedTuple

from caskmcp import canon, text
from caskmcp.errors import CaskError
from caskmcp.ports import Files


class Format(NamedTuple):
    """One kind of file under the root."""

    place: str
    """Pattern below the root."""
    name: str
    """`caskmcp/<name>/<version>` is its schema."""
    version: int = 1
    """What this program writes."""
    at: tuple[str, ...] = ("schema",)
    """Where the file names its schema."""

    @property
    def schema(self) -> str:
        """The schema as this program writes it."""
        return f"caskmcp/{self.name}/{self.version}"


class Migration(NamedTuple):
    """How one version of a format becomes the next."""

    name: str
    before: int
    change: Callable[[dict[str, Any]], dict[str, Any]]
    """The file as plain values -> the same in the next version; its schema is seen to."""


# fmt: off
FORMATS: Final = (
    Format("toolpacks/*/toolpack.yaml",                           "toolpack"),
    Format("toolpacks/*/artifact/observations.json",              "observations"),
    Format("toolpacks/*/artifact/tools.json",                     "tools"),
    Format("toolpacks/*/artifact/toolsets.yaml",                  "toolsets"),
    Format("toolpacks/*/artifact/policy.yaml",                    "policy"),
    Format("toolpacks/*/artifact/environments.yaml",              "environments"),
    Format("toolpacks/*/artifact/auth.yaml",                      "auth"),
    Format("toolpacks/*/artifact/contracts.yaml",                 "contracts"),
    Format("toolpacks/*/artifact/baseline.json",                  "baseline"),
    Format("toolpacks/*/artifact/scopes.suggested.yaml",          "scopes"),
    Format("toolpacks/*/artifact/coverage.json",                  "coverage"),
    Format("toolpacks/*/lockfile/caskmcp.lock.yaml",              "lock"),
    Format("toolpacks/*/lockfile/caskmcp.lock.pending.yaml",      "lock-pending"),
    Format("toolpacks/*/trust/*.root.json",                       "trust-root", at=("signed", "schema")),
    Format("baselines/*/baseline.json",                           "baseline"),
    Format("state/given.json",                                    "given"),
)
# fmt: on
MIGRATIONS: Final[tuple[Migration, ...]] = ()
"""Every format is of its first version."""


class Stale(NamedTuple):
    """A file of an earlier version, and what it becomes."""

    path: Path
    format: Format
    version: int
    data: bytes


def stale(
    files: Files, root: Path, formats: Iterable[Format] = FORMATS, migrations: Iterable[Migration] = MIGRATIONS
) -> tuple[tuple[Stale, ...], int]:
    """Every file of an earlier version with its bytes in the present one, sorted by path; and how many files were looked at.

    Raises CASK-I008 for a version that this program does not know, CASK-I003 for a file that cannot be read. Writes nothing.
    """
    rows = tuple(migrations)
    looked = [_look(files, path, row, rows) for row in formats for path in _places(files, root, row.place)]
    return tuple(sorted((each for each in looked if each is not None), key=lambda each: each.path)), len(looked)


def _places(files: Files, folder: Path, pattern: str) -> Iterator[Path]:
    head, _, rest = pattern.partition("/")
    for name in files.listing(folder):
        if fnmatchcase(name, head) and not name.startswith("."):
            yield from _places(files, folder / name, rest) if rest else (folder / name,)


def _look(files: Files, path: Path, row: Format, migrations: tuple[Migration, ...]) -> Stale | None:
    value = _parsed(files, path)
    version = _version(value, row, path)
    if version == row.version:
        return None
    steps = {step.before: step for step in migrations if step.name == row.name}
    for before in range(version, row.version):
        if before not in steps:
            raise _unknown(path, row, f"caskmcp/{row.name}/{version}")
        value = _named(steps[before].change(value), row, before + 1)
    return Stale(path, row, version, canon.pretty(value) if path.suffix == ".json" else text.dump_yaml(value))


def _parsed(files: Files, path: Path) -> dict[str, Any]:
    data = files.read(path)
    value = text.parse_json(data, str(path), limit=len(data)) if path.suffix == ".json" else _yaml(data, path)
    if not isinstance(value, dict):
        raise CaskError("CASK-I008", "it does not name its schema", place=str(path), mend=f"git log -p -- {path.name}")
    return value


def _yaml(data: bytes, path: Path) -> Any:
    return text.parse_yaml(data, str(path), limit=len(data)).value


def _version(value: dict[str, Any], row: Format, path: Path) -> int:
    found: Any = value
    for key in row.at:
        found = found.get(key) if isinstance(found, dict) else None
    name, _, version = str(found).rpartition("/")
    if name != f"caskmcp/{row.name}" or not version.isascii() or not version.isdecimal() or not 1 <= int(version) <= row.version:
        raise _unknown(path, row, str(found))
    return int(version)


def _unknown(path: Path, row: Format, found: str) -> CaskError:
    what = f"the schema of {path.name} is `{found[:100]}`, this program reads {row.schema}"
    return CaskError("CASK-I008", what, place=str(path), mend="pip install --upgrade caskmcp")


def _named(value: dict[str, Any], row: Format, version: int) -> dict[str, Any]:
    """The value with its schema, wherever the format names it."""
    return _with(value, row.at, f"caskmcp/{row.name}/{version}")


def _with(value: dict[str, Any], at: tuple[str, ...], schema: str) -> dict[str, Any]:
    inner = schema if len(at) == 1 else _with(value[at[0]], at[1:], schema)
    return {**value, at[0]: inner}
