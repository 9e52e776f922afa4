"""Made-up secrets and people's data of the corpus's families, by another hand than the detectors: what providers' pages and examples show, put where programs put it.

`cases(seed)` gives the same values for the same seed. Values are random and belong to nobody.
"""

import base64
import json
import random
import string
from collections.abc import Callable, Iterator
from typing import Final

from tests.support.secrets import Case

Rng = random.Random
LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALNUM: Final = LOWER + UPPER + DIGITS
HEX: Final = DIGITS + "abcdef"
URLSAFE: Final = ALNUM + "-_"


def _of(signs: str, size: int) -> Callable[[Rng], str]:
    return lambda rng: "".join(rng.choice(signs) for _ in range(size))


def _shape(shape: str) -> Callable[[Rng], str]:
    """`A`, `a`, `#`, `x`, `*`, `~` stand for an upper-case or lower-case letter, a digit, a hexadecimal digit, any of these letters, a url-safe sign; `!` keeps the next sign."""
    signs = {"A": UPPER, "a": LOWER, "#": DIGITS, "x": HEX, "*": ALNUM, "~": URLSAFE}

    def make(rng: Rng) -> str:
        marks = iter(shape)
        return "".join(next(marks) if mark == "!" else rng.choice(signs[mark]) if mark in signs else mark for mark in marks)

    return make


def _begun(begin: str, signs: str, size: int) -> Callable[[Rng], str]:
    return lambda rng: begin + _of(signs, size)(rng)


def _uuid(rng: Rng) -> str:
    digits = _of(HEX, 32)(rng)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{rng.choice('89ab')}{digits[17:20]}-{digits[20:]}"


def _jwt(rng: Rng) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"sub": _of(DIGITS, 9)(rng), "name": _name(rng), "iat": 1790000000}
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}.{_of(URLSAFE, 43)(rng)}"


def _name(rng: Rng) -> str:
    return f"{_of(LOWER, 7)(rng).title()} {_of(LOWER, 9)(rng).title()}"


def _password(rng: Rng) -> str:
    return rng.choice((_of(LOWER, 9)(rng), _of(ALNUM + "!$%-.", 14)(rng), " ".join(_of(LOWER, 6)(rng) for _ in range(4))))


def _card(rng: Rng) -> str:
    body = rng.choice(("4", "51", "55", "2223", "6011")) + _of(DIGITS, 15)(rng)
    body = body[:15]
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(body)]
    return body + str(-sum(value // 10 + value % 10 for value in doubled) % 10)


def _iban(rng: Rng) -> str:
    country, size = rng.choice((("DE", 18), ("FR", 23), ("ES", 20), ("NL", 14), ("AT", 16)))
    account = _of(DIGITS, size)(rng)
    moved = "".join(str(int(sign, 36)) for sign in f"{account}{country}00")
    return f"{country}{98 - int(moved) % 97:02}{account}"


def _phone(rng: Rng) -> str:
    return rng.choice(
        (
            _shape("+49 ### #######"),
            _shape("+1 (2##) 555-0###".replace("0###", "01##")),
            _shape("+44 20 #### ####"),
            _shape("+33 6 ## ## ## ##"),
        )
    )(rng)


def _mail(rng: Rng) -> str:
    return f"{_of(LOWER, 8)(rng)}.{_of(LOWER + DIGITS, 6)(rng)}@{_of(LOWER, 9)(rng)}.example"


def _pem(rng: Rng) -> str:
    lines = "\n".join(_of(ALNUM + "+/", 64)(rng) for _ in range(4))
    kind = rng.choice(("RSA PRIVATE", "EC PRIVATE", "OPENSSH PRIVATE", "PRIVATE", "ENCRYPTED PRIVATE"))
    return f"-----BEGIN {kind} KEY-----\n{lines}\n-----END {kind} KEY-----"


def _connection(rng: Rng) -> str:
    scheme = rng.choice(("postgres", "mysql", "mongodb+srv", "redis", "amqps"))
    return f"{scheme}://svc_app:{_of(ALNUM + '!-_', 18)(rng)}@db-{_of(DIGITS, 2)(rng)}.internal.example:5432/prod"


# fmt: off
FORMS: Final[tuple[tuple[str, Callable[[Rng], str]], ...]] = (
    # told by their form: they stand in a note, a query, a path, a form
    ("aws-key",        _begun("AKIA", UPPER + "234567", 16)),              ("aws-session-key", _begun("ASIA", UPPER + "234567", 16)),
    ("google-key",     _begun("AIza", URLSAFE, 35)),                       ("google-token",   _begun("ya29.a0", URLSAFE, 120)),
    ("google-secret",  _begun("GOCSPX-", URLSAFE, 28)),                    ("github-classic", _begun("ghp_", ALNUM, 36)),
    ("github-app",     _begun("ghs_", ALNUM, 36)),                         ("github-fine",    _shape("github_p!at_" + "*" * 22 + "_" + "*" * 59)),
    ("gitlab",         _begun("glpat-", URLSAFE, 20)),                     ("gitlab-deploy",  _begun("gldt-", URLSAFE, 20)),
    ("slack-bot",      _shape("!xo!xb-############-############-" + "*" * 24)), ("slack-app", _shape("!x!app-1-AAAAAAAAAAA-#############-" + "x" * 64)),
    ("stripe-live",    _begun("sk_live_", ALNUM, 99)),                     ("stripe-restricted", _begun("rk_live_", ALNUM, 99)),
    ("stripe-hook",    _begun("whsec_", ALNUM, 32)),                       ("twilio-sid-key", _begun("SK", HEX, 32)),
    ("sendgrid",       _shape("SG." + "~" * 22 + "." + "~" * 43)),          ("mailgun",        _begun("key-", HEX, 32)),
    ("mailchimp",      _shape("x" * 32 + "-us##")),                         ("openai-project", _begun("sk-proj-", URLSAFE, 124)),
    ("anthropic",      _begun("sk-ant-api03-", URLSAFE, 93)),              ("hugging-face",   _begun("hf_", LOWER + UPPER, 34)),
    ("npm",            _begun("npm_", ALNUM, 36)),                         ("pypi",           _begun("pypi-AgEIcHlwaS5vcmcC", URLSAFE, 150)),
    ("shopify",        _begun("shpat_", HEX, 32)),                         ("square",         _begun("EAAA", URLSAFE, 60)),
    ("vault",          _begun("hvs.", URLSAFE, 95)),                       ("doppler",        _begun("dp.pt.", ALNUM, 43)),
    ("digitalocean",   _begun("dop_v1_", HEX, 64)),                        ("databricks",     _begun("dapi", HEX, 32)),
    ("telegram",       _shape("##########:AA" + "~" * 33)),                 ("discord-hook",   lambda rng: f"https://discord.com/api/webhooks/{_of(DIGITS, 19)(rng)}/{_of(URLSAFE, 68)(rng)}"),
    ("linear",         _begun("lin_api_", ALNUM, 40)),                     ("grafana",        _shape("gls!a_" + "*" * 32 + "_xxxxxxxx")),
    ("sentry",         _begun("sntrys_eyJ", ALNUM + "+/=", 120)),          ("newrelic",       _begun("NRAK-", UPPER + DIGITS, 27)),
    ("postman",        _shape("PM!AK-" + "x" * 24 + "-" + "x" * 34)),        ("atlassian",      _begun("ATATT3xFfGF0", URLSAFE, 180)),
    ("pulumi",         _begun("pul-", HEX, 40)),                           ("terraform",      _shape("*" * 14 + ".!atl!asv1." + "~" * 67)),
    ("age",            _begun("AGE-SECRET-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58)), ("jwt", _jwt), ("pem", _pem), ("connection", _connection),
    ("planetscale",    _begun("pscale_tkn_", URLSAFE, 43)),                ("supabase",       _begun("sbp_", HEX, 40)),
    ("resend",         _shape("re_********_" + "*" * 24)),                  ("tailscale",      _shape("tskey-!auth-k" + "*" * 11 + "CNTRL-" + "*" * 32)),
    ("hubspot",        lambda rng: f"pat-na1-{_uuid(rng)}"),               ("opaque-hex40",   _of(HEX, 40)),
    ("opaque-hex64",   _of(HEX, 64)),                                      ("opaque-b64",     lambda rng: base64.b64encode(rng.randbytes(33)).decode()),
    ("opaque-43",      _of(URLSAFE, 43)),                                  ("card", _card), ("iban", _iban), ("phone", _phone), ("mail", _mail),
    ("ssn",            _shape("9##-8#-####")),                             ("ipv4",           lambda rng: f"10.{rng.randint(10, 99)}.{rng.randint(100, 250)}.{rng.randint(10, 99)}"),
    ("ipv6",           _shape("2!a02:xxxx:xxxx:!axxx::xxxx")),              ("mac",            _shape("3c:xx:xx:xx:xx:xx")),
)
NAMED: Final[tuple[tuple[str, str, Callable[[Rng], str]], ...]] = (
    # told by the name of their field
    ("password", "newPassword", _password),            ("password", "user_password", _password),           ("password", "confirmPassword", _password),
    ("client-secret", "client_secret", _of(ALNUM, 32)), ("api-key", "apiKey", _uuid),                       ("api-key", "x-functions-key", _of(ALNUM, 24)),
    ("token", "resetToken", _of(ALNUM, 16)),           ("token", "csrf_token", _of(ALNUM, 18)),            ("token", "deviceToken", _of(HEX, 64)),
    ("session", "sessionId", _uuid),                   ("session", "PHPSESSID", _of(LOWER + DIGITS, 26)),  ("otp", "otpCode", _of(DIGITS, 8)),
    ("otp", "backup_code", _shape("#### ####")),       ("seed", "seedPhrase", lambda rng: " ".join(_of(LOWER, 5)(rng) for _ in range(12))),
    ("first-name", "firstName", _name), ("last-name", "last_name", _name), ("street", "addressLine1", lambda rng: f"{_of(DIGITS, 3)(rng)} {_name(rng)} Street"),
    ("zip", "postalCode", _shape("A#A #A# ##")),       ("birth", "dateOfBirth", lambda rng: f"19{rng.randint(30, 99)}-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}T0{rng.randint(0, 9)}:{rng.randint(10, 59)}:{rng.randint(10, 59)}"),
    ("passport", "passportNumber", _shape("A########")), ("tax", "taxId", _shape("##-#######")),            ("phone", "mobilePhone", _shape("0### #######")),
    ("account", "accountNumber", _of(DIGITS, 12)),     ("card", "cardNumber", _of(DIGITS, 16)),            ("geo", "latitude", lambda rng: f"{rng.uniform(10, 80):.9f}"),
    ("license", "licensePlate", _shape("AA-AA ######")), ("national", "nationalId", _shape("##########")), ("connection", "DATABASE_URL", _connection),
)
# fmt: on
_FORM_PLACES: Final = (
    ("req.json", "/note"),
    ("url.query", "ref"),
    ("resp.json", "/items/0/comment"),
    ("req.form", "remark"),
    ("req.json.b64", "/blob"),
    ("req.multipart.field", "memo"),
)
_NAME_PLACES: Final = ("req.json", "resp.json", "url.query", "req.form", "req.multipart.field")


def cases(seed: int) -> list[Case]:
    """Each family at some of its places."""
    rng = random.Random(seed)
    return [Case(f"unseen-{number:03}", "gone", where, name, value, "", "") for number, (where, name, value) in enumerate(_cases(rng))]


def _cases(rng: Rng) -> Iterator[tuple[str, str, str]]:
    for _, make in FORMS:
        for where, name in rng.sample(_FORM_PLACES, 3):
            yield where, name, make(rng)
    for _, field, make in NAMED:
        for where in rng.sample(_NAME_PLACES, 2):
            yield where, f"/{field}" if where.endswith("json") else field, make(rng)
