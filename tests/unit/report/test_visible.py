"""Hidden characters are shown; ordinary text of any language stays."""

import unicodedata

import pytest

from caskmcp.report.visible import visible


@pytest.mark.parametrize(
    "hidden", ["\x1b[31m", "\u200b", "\u202e", "\u2066", "\ufeff", "\x9b", "\x00", "\r", "\U000e0041", "\ufe0f", "\u3164", "\u00ad", "\x7f"]
)
def test_a_hidden_character_is_shown_as_its_number(hidden):
    shown = visible(f"a{hidden}b")
    assert hidden[0] not in shown
    assert f"\\u{{{ord(hidden[0]):x}}}" in shown


@pytest.mark.parametrize("plain", ["Grüße, 世界\n\tok", "naïve café", "Ελληνικά", "emoji 😀", "a - b · c"])
def test_ordinary_text_stays(plain):
    assert visible(plain) == plain


def test_every_format_and_control_character_of_this_unicode_version_is_shown():
    missed = [
        chr(number)
        for number in range(0x110000)
        if unicodedata.category(chr(number)) in ("Cc", "Cf") and chr(number) not in "\n\t" and visible(chr(number)) == chr(number)
    ]
    # Arabic and Indic number signs, and hieroglyph and shorthand controls, have a shape of their own.
    assert {unicodedata.name(char).split()[0] for char in missed} <= {"ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN", "SHORTHAND"}
