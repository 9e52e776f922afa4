"""Canaries: one family a detector, made by other means than the detectors' patterns, new each time."""

import hashlib
from collections.abc import Callable

import pytest

from caskmcp.redact import checks, national
from caskmcp.redact.canaries import FAMILIES, Family, canary
from caskmcp.redact.detectors import DETECTORS

BY_ID = {family.id: family for family in FAMILIES}


def drawn(seed: str) -> Callable[[int], bytes]:
    """Bytes that differ from call to call and are the same in each run."""
    calls = iter(range(1 << 20))
    return lambda size: hashlib.shake_256(f"{seed} {next(calls)}".encode()).digest(size)


def test_each_detector_has_a_family_and_each_family_a_detector() -> None:
    assert sorted(family.id for family in FAMILIES) == sorted(row.id for row in DETECTORS)


def test_a_family_is_told_by_a_name_exactly_where_its_detector_is() -> None:
    assert {family.id for family in FAMILIES if family.name} == {row.id for row in DETECTORS if row.names}


def test_a_family_belongs_to_the_profile_of_its_detector() -> None:
    assert {family.id for family in FAMILIES if family.strict} == {row.id for row in DETECTORS if row.strict}


@pytest.mark.parametrize("family", [family for family in FAMILIES if "{" in family.template], ids=lambda family: family.id)
def test_two_values_of_a_family_differ(family: Family) -> None:
    draw = drawn(family.id)
    first, second = canary(family, draw), canary(family, draw)
    assert first.core != second.core
    assert all(len(piece) == 8 and piece in first.core for piece in first.pieces)


def test_a_canary_says_what_stands_around_it_and_what_may_not_be_left() -> None:
    made = canary(Family("x", "sk_{w12}_{n3}", said="use {} now"), lambda size: bytes(range(size)))
    assert (made.text, made.core, made.pieces) == ("use sk_bcdfghjklmnp_012 now", "sk_bcdfghjklmnp_012", ("bcdfghjk",))


# fmt: off
CHECKED: tuple[tuple[str, Callable[[str], bool], bool], ...] = (
    ("card", checks.card, True),                          ("card-mention", checks.luhn, False),             ("card-name", checks.luhn, False),
    ("iban", checks.iban, True),                          ("iban-name", checks.iban, False),                ("be-rrn", national.be_rrn, True),
    ("br-cpf", national.br_cpf, True),                    ("ca-sin", national.ca_sin, True),                ("ch-ahv", national.ch_ahv, True),
    ("cn-id", national.cn_id, True),                      ("es-dni", national.es_dni, True),                ("fi-hetu", national.fi_hetu, True),
    ("fr-nir", national.fr_nir, True),                    ("in-aadhaar", national.in_aadhaar, True),        ("pl-pesel", national.pl_pesel, True),
    ("se-personnummer", national.se_personnummer, True),
)
# fmt: on


@pytest.mark.parametrize(("family", "check", "holds"), CHECKED, ids=[row[0] for row in CHECKED])
def test_check_digits_that_were_worked_out_anew_agree_with_the_checks(family: str, check: Callable[[str], bool], holds: bool) -> None:
    draw = drawn(family)
    assert {check(canary(BY_ID[family], draw).core) for _ in range(40)} == {holds}
