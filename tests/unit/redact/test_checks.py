"""Checks on what a name or a form found."""

from collections.abc import Callable

import pytest

from caskmcp.redact import checks

# fmt: off
CASES: tuple[tuple[Callable[[str], bool], list[str], list[str]], ...] = (
    # check               holds                                                       does not
    (checks.something,    ["a", "1234", "0000", "x1", "yes"],                         ["", " ", "null", "****", "****4242", "xxxx", "<TOKEN>", "{{ key }}", "${KEY}", "Bearer", "[hidden]", "..."]),
    (checks.opaque,       ["abc12345", "AbCdEfGhIjKlMnOp", "a1b2-c3d4"],              ["abc1", "morning", "two words 1", "lowercaseletters", ""]),
    (checks.authorized,   ["Bearer a", "ApiKey x y", "abc12345"],                     ["required", "Basic", "Bearer null", "as usual"]),
    (checks.connected,    ["postgres://db/x", "Server=db;Database=x"],                ["none", "", "mail"]),
    (checks.assigned,     ["sid=abc; Path=/", "a=b"],                                 ["accepted", "=b", "a=", "a=null; b"]),
    (checks.located,      ["48.137154", "-0.127758", "48.137154, 11.576124"],         ["48.1", "48", "3.14159 apples", "1.2.3", "4800.137"]),
    (checks.hardware,     ["3c22fb123456", "3C-22-FB-12-34-56", "3c22.fb12.3456"],    ["pro", "3c22fb12345", "3c:22:fb"]),
    (checks.long_opaque,  ["abcdefgh12345678"],                                       ["abc12345", "password-guide-x"]),
    (checks.lettered,     ["Alice", "李小龙"],                                         ["", "12", "f47ac10b-58cc-4372-a567-0e02b2c3d479", "a" * 301]),
    (checks.placed,       ["12 High Street", "Hauptstraße 5", "Am Platz"],            ["remote", "https://x.example/ 1", "a 1@b"]),
    (checks.mailed,       ["a@b", "x@localhost"],                                     ["@", "a@", "@b", "a"]),
    (checks.dated,        ["1980-02-03", "3.2.80 1"],                                 ["soon", "12"]),
    (checks.phone,        ["+1 202 555 0101", "0049-30-1234567", "030/1234567 ext. 5"], ["12", "2026-01-31", "2026-01-31T10:00", "1234567890123456", "call me 1234567"]),
    (checks.numbered,     ["C01X00T47", "123456789"],                                 ["1234", "five", "1" * 65]),
    (checks.postal,       ["10115", "SW1A 1AA"],                                      ["none", "1", "1234567890123"]),
    (checks.card_digits,  ["5100001003569403", "5100 0010 0356 9403"],                ["12345", "****4242", "51000010035694031234"]),
    (checks.card,         ["4539578763621486", "4539 5787 6362 1486", "378282246310005", "30569309025904", "2223003122003222", "2720990000000015", "6200000000000005"], ["2221000000000000", "2721000000000004", "4539578763621487", "9780306406157", "1766200000000", "0000000000000000"]),
    (checks.iban,         ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"],  ["GB00NOTR35620485821574", "DE89", "not one"]),
    (checks.ip,           ["10.1.2.3", "2a00:1450::1", "203.0.113.9"],                ["127.0.0.1", "::1", "0.0.0.0", "255.255.255.0", "1.0.0.0", "999.1.1.1", "10"]),
    (checks.random,       ["43a1ef87d58fb0ad682cd27c0ffeedfa", "V1StGXR8_Z5jdHi6B-myT", "hlGhYDvGHqlp9RK3N89Vn0tRealX5NpXksLRHGUhBw"],
                          ["short1", "00000000000000000000000000000000", "reset-password-guide-for-all", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "aaaaaaaaaaaaaaaaaaaaaaaaa1"]),
    (checks.readable,     ["eyJwYWdlIjogMn0=", "VXNlcjoxMjM0NTY3ODkwMTIzNDU2"],       ["", "abc", "////", "hlGhYDvGHqlp9RK3N89Vn0tReal"]),
)
# fmt: on


@pytest.mark.parametrize(("check", "text"), [(check, text) for check, good, _ in CASES for text in good])
def test_a_check_holds(check: Callable[[str], bool], text: str) -> None:
    assert check(text)


@pytest.mark.parametrize(("check", "text"), [(check, text) for check, _, bad in CASES for text in bad])
def test_a_check_does_not_hold(check: Callable[[str], bool], text: str) -> None:
    assert not check(text)


def test_luhn_finds_one_wrong_digit_anywhere() -> None:
    good = "4539578763621486"
    assert checks.luhn(good)
    for index, digit in enumerate(good):
        wrong = good[:index] + str((int(digit) + 1) % 10) + good[index + 1 :]
        assert not checks.luhn(wrong)


def test_base64_of_text_is_decoded_in_both_alphabets_and_without_padding() -> None:
    assert checks.decoded("aGVsbG8gd29ybGQ") == "hello world"
    assert checks.decoded("8J+mmfCfppnwn6aZ") == checks.decoded("8J-mmfCfppnwn6aZ") == "🦙🦙🦙"
    assert checks.decoded("AAECAwQFBgc=") is None
