"""What the repository says about the place where it was made: nothing."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.syntax import ROOT

# Written so that the patterns do not find themselves.
FORBIDDEN: Final = {
    "a path of one machine": r"/roo[t]/|/wor[k]/(main|shared|tmp|repo)|/hom[e]/(?!user\b|alice\b|me\b)[a-z]+/|/User[s]/[a-z]+/",
    "a folder beside the checkout": r"\.\./share[d]",
    "a registry host": r"pypi[.]org|pythonhosted[.]org|registry[.]npmjs",
}
BINARY: Final = frozenset({".gz", ".zst", ".png", ".bin", ".zip"})


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name]


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_no_tracked_file_mentions(kind: str) -> None:
    form = re.compile(FORBIDDEN[kind])
    texts = (
        (path, path.read_text(encoding="utf-8", errors="replace")) for path in tracked() if path.is_file() and path.suffix not in BINARY
    )
    assert [f"{path.relative_to(ROOT)}: {found.group(0)}" for path, text in texts if (found := form.search(text))] == []


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("a path of one machine", "see /roo" + "t/x"),
        ("a folder beside the checkout", "../share" + "d/x"),
        ("a registry host", "https://pypi" + ".org/simple"),
    ],
)
def test_the_patterns_find_what_they_are_for(kind: str, text: str) -> None:
    assert re.search(FORBIDDEN[kind], text)


def test_nothing_private_or_made_by_tools_is_tracked() -> None:
    private = re.compile(
        r"(^|/)(\.venv|build|dist|__pycache__|\.caskmcp/(captures|state|cache|evidence))/|\.py[co]$|\.coverage$|\.doit\.db"
    )
    assert [str(path) for path in tracked() if private.search(path.relative_to(ROOT).as_posix())] == []
