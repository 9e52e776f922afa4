"""Check digits of the numbers that countries give to people: published examples hold, one wrong sign does not."""

from collections.abc import Callable

import pytest

from caskmcp.redact import national

# fmt: off
EXAMPLES: tuple[tuple[Callable[[str], bool], list[str]], ...] = (
    (national.at_svnr,         ["1237 010180"]),
    (national.be_rrn,          ["85.07.30-033.28", "17.07.30-033.84"]),
    (national.br_cpf,          ["111.444.777-35", "000.000.001-91"]),
    (national.ca_sin,          ["046 454 286", "130-692-544"]),
    (national.ch_ahv,          ["756.9217.0769.85", "7561234567897"]),
    (national.cn_id,           ["11010519491231002X", "110101199003074530"]),
    (national.de_idnr,         ["86095742719", "47 036 892 816", "02476291358"]),
    (national.es_dni,          ["12345678Z", "00000000T", "X1234567L", "X0000000T"]),
    (national.fi_hetu,         ["131052-308T"]),
    (national.fr_nir,          ["255081416802538", "2 55 08 14 168 025 38"]),
    (national.in_aadhaar,      ["2345 6789 0124", "9999 9999 0019"]),
    (national.it_fiscal_code,  ["RSSMRA85T10A562S", "MRTMTT91D08F205J"]),
    (national.pl_pesel,        ["44051401458", "44051401359"]),
    (national.se_personnummer, ["811218-9876", "19811218-9876", "121212-1212"]),
)
# fmt: on


@pytest.mark.parametrize(("check", "text"), [(check, text) for check, texts in EXAMPLES for text in texts])
def test_a_published_example_holds(check: Callable[[str], bool], text: str) -> None:
    assert check(text)


@pytest.mark.parametrize(("check", "text"), [(check, text) for check, texts in EXAMPLES for text in texts])
def test_another_last_sign_does_not_hold(check: Callable[[str], bool], text: str) -> None:
    other = str((int(text[-1]) + 1) % 10) if text[-1].isdigit() else "A" if text[-1] != "A" else "B"
    assert not check(text[:-1] + other)


def test_the_letters_of_corsica_count_as_its_old_numbers() -> None:
    # 97 minus 1850519001001 modulo 97, and 97 minus 1850518001001 modulo 97.
    assert national.fr_nir("1 85 05 2A 001 001 74")
    assert national.fr_nir("1 85 05 2B 001 001 04")
    assert not national.fr_nir("1 85 05 2A 001 001 04")


def test_eleven_equal_digits_are_nobodys_number() -> None:
    assert not national.br_cpf("111.111.111-11")
    assert not national.de_idnr("11111111111")


@pytest.mark.parametrize(("text", "given"), [("AB123456C", True), ("GB123456C", False), ("TN123456C", False)])
def test_prefixes_that_are_never_given_are_no_insurance_number(text: str, given: bool) -> None:
    assert national.gb_nino(text) is given
