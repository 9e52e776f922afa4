"""The table of errors and the error itself."""

import re

import pytest

from caskmcp.errors import CODES, CaskError, Exit


def test_codes_are_unique_and_well_formed():
    assert all(re.fullmatch(r"CASK-[A-Z]\d{3}", code) for code in CODES)
    assert all(row.title and row.why and not row.title.endswith(".") for row in CODES.values())


def test_an_error_is_one_line_of_what_where_and_mend():
    error = CaskError("CASK-B004", "tools.json is stale", place="artifact/tools.json", mend="cask build")
    assert str(error) == "CASK-B004 tools.json is stale · artifact/tools.json · cask build"
    assert (error.code, error.exit) == ("CASK-B004", Exit.REVIEW)


def test_an_unknown_code_is_our_bug():
    with pytest.raises(KeyError):
        CaskError("CASK-X999", "no such row")


def test_exit_statuses_are_those_of_the_contract():
    assert [int(row) for row in Exit] == [0, 1, 2, 3, 4, 5, 70]
