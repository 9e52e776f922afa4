"""Canaries: made-up secrets and people's data, one family for each detector, to be planted in a recording and looked for afterwards.

A literal table. How a value is made is said here by what services and authorities publish, never by the patterns of `detectors`; its random part has letters of one
case, or few digits, so that no other detector explains it. Values stand nowhere but in memory.
"""

from base64 import b64encode
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import quote

Draw = Callable[[int], bytes]
"""As `ports.Entropy.token`."""

_LETTERS: Final = "bcdfghjklmnpqrstvwxz"
_ALPHABETS: Final = {
    "w": _LETTERS,
    "u": _LETTERS.upper(),
    "q": "a0b1",
    "n": "0123456789",
    "m": _LETTERS.upper() + _LETTERS + "0123456789",
    "x": "0123456789abcdef",
}
"""Letter of a template -> signs: `{w12}` is twelve letters. `q` is hexadecimal with few signs: long, and yet of low entropy."""


class Family(NamedTuple):
    """One row. `id` is the detector that has to find its values."""

    id: str
    template: str
    """What a value looks like: literal text, and `{w12}` for twelve random signs of an alphabet."""
    name: str = ""
    """The field that it stands under; empty for what its own form gives away."""
    parent: str = ""
    """The object that the field stands in."""
    said: str = "{}"
    """What is written around it."""
    strict: bool = False
    """Left alone under `profile: standard`."""
    finish: Callable[[str], str] = str
    """Adds check digits."""
    wrap: Callable[[str], str] = str
    """Hides what is written in an encoding."""


class Canary(NamedTuple):
    """One value of a family."""

    family: Family
    text: str
    """As it is planted, with what is written around it."""
    core: str
    """What may not be left anywhere."""
    pieces: tuple[str, ...]
    """Runs of eight random signs of it: a part that was overlooked holds one of them."""


# ---------------------------------------------------------------- check digits, worked out anew
def _luhn(text: str) -> str:
    for last in "0123456789":
        doubled = [int(sign) * (2 if place % 2 else 1) for place, sign in enumerate(reversed(text + last))]
        if sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0:
            return text + last
    raise ValueError(text)


def _no_luhn(text: str) -> str:
    return text + str((int(_luhn(text)[-1]) + 5) % 10)


def _iban(text: str) -> str:
    numbers = "".join(str(int(sign, 36)) for sign in f"{text[2:]}{text[:2]}00")
    return f"{text[:2]}{98 - int(numbers) % 97:02}{text[2:]}"


def _no_iban(text: str) -> str:
    good = _iban(text)
    return f"{good[:2]}{(int(good[2:4]) + 3) % 97:02}{good[4:]}"


def _aadhaar(text: str) -> str:
    """Verhoeff, by the symmetries of a pentagon: rotations are 0 to 4, reflections 5 to 9."""

    def product(first: int, second: int) -> int:
        if first < 5:
            return (first + second) % 5 + (5 if second >= 5 else 0)
        return (first - second) % 5 + (0 if second >= 5 else 5)

    order = {0: 1, 1: 5, 5: 8, 8: 9, 9: 4, 4: 2, 2: 7, 7: 0, 3: 6, 6: 3}
    for last in range(10):
        check = 0
        for place, sign in enumerate(reversed([*map(int, text), last])):
            moved = sign
            for _ in range(place):
                moved = order[moved]
            check = product(check, moved)
        if check == 0:
            return f"{text[:4]} {text[4:8]} {text[8:]}{last}"
    raise ValueError(text)


def _nir(text: str) -> str:
    return f"{text}{97 - int(text) % 97:02}"


def _dni(text: str) -> str:
    return text + "TRWAGMYFPDXBNJZSQVHLCKE"[int(text) % 23]


def _cpf(text: str) -> str:
    for _ in range(2):
        rest = sum(int(sign) * weight for sign, weight in zip(reversed(text), range(2, 12), strict=False)) % 11
        text += str(0 if rest < 2 else 11 - rest)
    return f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}"


def _ean(text: str) -> str:
    rest = sum(int(sign) * (3 if place % 2 else 1) for place, sign in enumerate(text)) % 10
    return f"{text[:3]}.{text[3:7]}.{text[7:11]}.{text[11:]}{-rest % 10}"


def _resident(text: str) -> str:
    rest = sum(int(sign) * pow(2, 17 - place, 11) for place, sign in enumerate(text)) % 11
    return text + "10X98765432"[rest]


def _belgian(text: str) -> str:
    return f"{text[:2]}.{text[2:4]}.{text[4:6]}-{text[6:9]}.{97 - int(text) % 97:02}"


def _dashed(text: str) -> str:
    whole = _luhn(text)
    return f"{whole[:3]}-{whole[3:6]}-{whole[6:]}"


def _personnummer(text: str) -> str:
    whole = _luhn(text)
    return f"{whole[:6]}-{whole[6:]}"


def _hetu(text: str) -> str:
    return f"{text[:6]}-{text[6:]}{'0123456789ABCDEFHJKLMNPRSTUVWXY'[int(text) % 31]}"


def _pesel(text: str) -> str:
    rest = sum(int(sign) * weight for sign, weight in zip(text, (1, 3, 7, 9) * 3, strict=False)) % 10
    return f"{text}{-rest % 10}"


# fmt: off
FAMILIES: Final = (
    # --- by the name of a field --------------------------------------------------------------------------------------------------------
    Family("password",        "{w12}",                  "passwd"),
    Family("secret",          "{w12}",                  "mnemonic"),
    Family("api-key",         "{w12}",                  "api_key"),
    Family("connection",      "server={w12};pooling=on", "dsn"),
    Family("authorization",   "{w6}7{w5}2",             "auth_header"),
    Family("access-token",    "{w12}",                  "bearer"),
    Family("token",           "{w12}",                  "refresh_token"),
    Family("tokens",          "{w6}7{w5}2",             "access_tokens"),
    Family("csrf",            "{w12}",                  "csrf"),
    Family("session",         "{w6}7{w5}2",             "sid"),
    Family("cookies",         "seen={w12}",             "cookies"),
    Family("otp",             "{n10}",                  "cvv"),
    Family("oauth-code",      "{w9}7{w7}",              "device_code"),
    Family("signature",       "{w9}7{w7}",              "hmac"),
    Family("email-name",      "{w10}@{w6}",             "mailto"),
    Family("phone-name",      "0{n10}",                 "msisdn"),
    Family("card-name",       "9{n14}",                 "pan", finish=_no_luhn),
    Family("iban-name",       "GB{n18}",                "iban", finish=_no_iban),
    Family("account-name",    "{n10}",                  "routing_number"),
    Family("national-id",     "{u2}{n9}",               "passport_number"),
    Family("ip-name",         "::{x4}:5{x3}:a{x3}",     "remote_addr", strict=True),
    Family("mac-name",        "{x10}a5",                "hwaddr", strict=True),
    Family("geo",             "11.{n13}",               "longitude", strict=True),
    Family("birth-date",      "{n8} in spring",         "birth_date", strict=True),
    Family("person-name",     "{w10}",                  "surname", strict=True),
    Family("name-of-person",  "{w10}",                  "name", parent="customer", strict=True),
    Family("street",          "{w10} road 7",           "street", strict=True),
    Family("postal-code",     "{n3} {u3}{n2}",          "postcode", strict=True),
    # --- credentials by their form -----------------------------------------------------------------------------------------------------
    Family("pem",             "-----BEGIN RSA PRIVATE KEY-----\n{w40}\n-----END RSA PRIVATE KEY-----"),
    Family("age-key",         "AGE-SECRET-KEY-1{u58}"),
    Family("jwt",             "eyJhbGciOiJub25lIn0.eyJzdWIiOiJub2JvZHkifQ.{w43}"),
    Family("paseto",          "v4.local.{w40}"),
    Family("aws-key-id",      "AKIA{u16}"),
    Family("aws-bedrock",     "ABSK{w90}"),
    Family("aws-signature",   "AWS4-HMAC-SHA256 Credential={w12}/20261120/eu-west-1/s3/aws4_request"),
    Family("gcp-key",         "AIza{w35}"),
    Family("gcp-token",       "ya29.{w60}"),
    Family("azure-key",       "{w3}8Q~{w34}"),
    Family("github-token",    "ghp_{w36}"),
    Family("gitlab-token",    "glpat-{w20}"),
    Family("slack-token",     "xoxb-{w24}"),
    Family("slack-webhook",   "T{u8}/B{u8}/{w24}",        said="https://hooks.slack.com/services/{}"),
    Family("chat-webhook",    "{n8}/{w8}",                said="https://hooks.zapier.com/hooks/catch/{}"),
    Family("discord",         "{n18}/{w68}",              said="https://discord.com/api/webhooks/{}"),
    Family("stripe-key",      "sk_live_{w24}"),
    Family("sendgrid-key",    "SG.{w22}.{w43}"),
    Family("twilio-key",      "SK{q32}"),
    Family("mail-key",        "key-{q32}"),
    Family("ai-key",          "sk-ant-api03-{w93}"),
    Family("registry-token",  "npm_{w36}"),
    Family("shop-token",      "shpat_{q32}"),
    Family("payment-key",     "EZAK{w54}"),
    Family("vault-token",     "hvs.{w90}"),
    Family("telegram-token",  "{n10}:{w35}"),
    Family("cloud-token",     "dop_v1_{q64}"),
    Family("devops-token",    "dp.pt.{w43}"),
    Family("service-token",   "lin_api_{w40}"),
    Family("otpauth",         "otpauth://totp/{w12}"),
    Family("auth-scheme",     "{w6}7{w5}2",               said="send Bearer {} along"),
    Family("stored-hash",     "$2b$12${w53}"),
    Family("connection-url",  "{w12}/{w3}",               said="redis://app:x@{}@cache:6379/0"),
    Family("userinfo",        "{w12}",                    said="https://app:{}@git/shop.git"),
    Family("user-token",      "{w9}7{w7}2",               said="https://{}@errors/42"),
    Family("url-credential",  "{w12}",                    said="https://files/o?x=1&sig={}"),
    Family("url-code",        "{w9}7{w7}",                said="https://files/o?x=1&nonce={}"),
    Family("assignment",      "{w12}",                    said="passphrase={} was set"),
    Family("quoted",          "{w12}",                    said="login(passcode: \"{}\")"),
    Family("tagged",          "{w12}",                    said="<login><Password>{}</Password></login>"),
    Family("command-line",    "{w12}",                    said="db --pass {} shop"),
    Family("mention",         "{w6}7{w5}2",               said="the secret: {} works"),
    # --- people by form ----------------------------------------------------------------------------------------------------------------
    Family("email",           "{w10}@{w8}.example"),
    Family("iban",            "DE{n18}",                  finish=_iban),
    Family("card",            "45{n13}",                  finish=_luhn),
    Family("card-mention",    "45{n13}",                  said="paid with {} today", finish=_no_luhn),
    Family("phone",           "+4930{n8}"),
    Family("phone-mention",   "030{n8}",                  said="Tel. {} please"),
    Family("ssn",             "931-84-{n4}"),
    Family("at-svnr",         "1237 010180",              strict=True),
    Family("be-rrn",          "850730{n3}",               strict=True, finish=_belgian),
    Family("br-cpf",          "32{n7}",                   strict=True, finish=_cpf),
    Family("ca-sin",          "13{n6}",                   strict=True, finish=_dashed),
    Family("ch-ahv",          "756{n9}",                  strict=True, finish=_ean),
    Family("cn-id",           "11010119900307{n3}",       strict=True, finish=_resident),
    Family("de-idnr",         "86095742719",              strict=True),
    Family("es-dni",          "{n8}",                     strict=True, finish=_dni),
    Family("fi-hetu",         "131052{n3}",               strict=True, finish=_hetu),
    Family("fr-nir",          "25508{n8}",                strict=True, finish=_nir),
    Family("gb-nino",         "AB{n6}C",                  strict=True),
    Family("in-aadhaar",      "23{n9}",                   strict=True, finish=_aadhaar),
    Family("it-fiscal-code",  "RSSMRA85T10A562S",         strict=True),
    Family("kr-rrn",          "900101-1{n6}",             strict=True),
    Family("mx-curp",         "{u4}900514HDF{u3}09",      strict=True),
    Family("pl-pesel",        "440514{n4}",               said="PESEL {} it is", strict=True, finish=_pesel),
    Family("se-personnummer", "811218{n3}",               strict=True, finish=_personnummer),
    Family("passport-lines",  "P<UTO{u12}<<{u10}<<<<<<<<<<<<", strict=True),
    Family("ipv4",            "10.17.1{n2}.1{n2}",        strict=True),
    Family("ipv6",            "2a00:{x4}:{x4}:{x4}::{x4}", strict=True),
    Family("mac",             "3c:{x2}:{x2}:{x2}:{x2}:{x2}", strict=True),
    # --- what only looks random, and what is hidden ----------------------------------------------------------------------------------------
    Family("encoded",         "{w10}@{w8}.example",       wrap=lambda text: b64encode(f"reply to {text}".encode()).decode()),
    Family("escaped",         "{w10}@{w8}.example",       wrap=lambda text: quote(f"reply to {text}", safe="")),
    Family("entropy",         "{m40}"),
)
# fmt: on


def canary(family: Family, draw: Draw) -> Canary:
    """A new value of a family."""
    filled = _filled(family.template, draw)
    core = family.finish("".join(filled))
    pieces = (run[at : at + 8] for run in filled[1::2] for at in range(0, len(run) - 7, 8) if run.isalpha())
    return Canary(family, family.wrap(family.said.replace("{}", core)), core, tuple(pieces))


def _filled(template: str, draw: Draw) -> list[str]:
    """Literal text and random signs by turns."""
    literal, *marks = template.split("{")
    pieces = [literal]
    for mark in marks:
        kind, _, rest = mark.partition("}")
        signs = _ALPHABETS[kind[0]]
        pieces += ["".join(signs[byte % len(signs)] for byte in draw(int(kind[1:]))), rest]
    return pieces
