"""Versions are read from what is installed and compared by their numbers."""

import sys

import pytest

from caskmcp.store import installed
from caskmcp.store.installed import Library, within

# fmt: off
RANGES = [
    ("2.3.0",          ">=2.3,<3",   True),
    ("2.3",            ">=2.3.0,<3", True),
    ("2.10.1",         ">=2.3,<3",   True),
    ("1.30.0",         ">=2.3,<3",   False),
    ("3.0.0",          ">=2.3,<3",   False),
    ("0.60.3",         ">=0.60.3,<0.61", True),
    ("1.1.20251105",   ">=1.1.20251105,<2", True),
    ("9.0.0rc1",       ">=9,<10",    True),
    ("1.0",            "==1.0.0",    True),
    ("1.0",            "!=1.0",      False),
    ("1.0",            "",           True),
    ("1.0",            "~=1.0",      False),
    ("unknown",        ">=1",        False),
]
# fmt: on


@pytest.mark.parametrize(("found", "wanted", "fits"), RANGES)
def test_a_version_lies_in_a_range_or_not(found: str, wanted: str, fits: bool) -> None:
    assert within(found, wanted) is fits


def test_what_is_not_installed_fits_nothing() -> None:
    assert not Library("x", "", "", "").fits


def test_requirements_are_read_as_packages_write_them() -> None:
    wanted = [
        "click<9,>=8.3",
        "cryptography[ssh]<51,>=48",
        "backports.zstd<2,>=1.3; python_version < '3.0'",
        "pyyaml (>=6.0.2,<7) ; python_version >= '3.0'",
        'textual<9,>=8.2; extra == "tui"',
        "caskmcp[tui]; extra == 'all'",
        "no-such-distribution-anywhere>=1",
    ]
    rows = list(installed._libraries(wanted))
    assert [(row.name, row.wanted, row.extra) for row in rows] == [
        ("click", "<9,>=8.3", ""),
        ("cryptography", "<51,>=48", ""),
        ("pyyaml", ">=6.0.2,<7", ""),
        ("textual", "<9,>=8.2", "tui"),
        ("no-such-distribution-anywhere", ">=1", ""),
    ]
    assert rows[0].fits
    assert (rows[4].found, rows[4].fits) == ("", False)


def test_a_program_that_is_not_installed_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "DISTRIBUTION", "no-such-distribution-anywhere")
    assert installed.libraries() == ()


def test_this_python_has_its_version() -> None:
    assert installed.python() == tuple(sys.version_info[:3])
