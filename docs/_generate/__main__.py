"""`write` generated files, or `check` that they are what would be generated and name those that are not."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from docs._generate import commands, errors, example, performance, schemas, status, tables

ROOT: Final = Path(__file__).resolve().parents[2]

Files = dict[str, bytes]

# name -> what it gives, and the folder pattern whose other files are left-overs
GENERATORS: Final[dict[str, tuple[Callable[[], Files], str]]] = {
    "schemas": (schemas.files, "schemas/*.schema.json"),
    "errors": (errors.files, "docs/reference/errors/*.md"),
    "commands": (commands.files, "docs/reference/commands.md"),
    "tables": (tables.files, "docs/reference/tables/*.md"),
    "example": (example.files, "tests/golden/storefront/**/*.*"),
    "performance": (performance.files, performance.PAGE),
    "status": (status.files, ""),
}


def stale(wanted: Files, pattern: str) -> list[str]:
    """Paths that are missing, differ, or are left over."""
    differ = [path for path, data in wanted.items() if not (ROOT / path).is_file() or (ROOT / path).read_bytes() != data]
    return sorted(differ + left_over(wanted, pattern))


def left_over(wanted: Files, pattern: str) -> list[str]:
    """Generated files that nothing generates any more."""
    there = ROOT.glob(pattern) if pattern else ()
    return sorted(path.relative_to(ROOT).as_posix() for path in there if path.relative_to(ROOT).as_posix() not in wanted)


def write(wanted: Files, pattern: str) -> None:
    """Make the files what they should be, and touch no other."""
    for path in stale(wanted, pattern):
        if path in wanted:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_bytes(wanted[path])
        else:
            (ROOT / path).unlink()
        print(path)


def main(arguments: Sequence[str]) -> int:
    """Run the named generators, or all."""
    mode, *names = arguments
    chosen = [(GENERATORS[name][0](), GENERATORS[name][1]) for name in names or GENERATORS]
    if mode == "write":
        for wanted, pattern in chosen:
            write(wanted, pattern)
        return 0
    wrong = [path for wanted, pattern in chosen for path in stale(wanted, pattern)]
    for path in wrong:
        print(f"{path} is not what its source gives; `doit generate` writes it", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
