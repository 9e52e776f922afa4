"""What an operation's requests and answers hold, by the names of fields and the kinds of what was cut: a literal table.

A trait adds evidence for risk; it never takes any away. Names are compared word by word, so `card_number` and `cardNumber` are one.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from caskmcp.compiler.normalize import words
from caskmcp.model.contract import Body, Parameter, Response
from caskmcp.model.observation import Group, Row, Shape

# fmt: off
NAMES: Final = {
    "pii": (
        "email", "mail", "phone", "mobile", "fax", "birthday", "birthdate", "birth date", "date birth", "dob", "ssn", "social security", "passport",
        "first name", "last name", "full name", "family name", "given name", "surname", "firstname", "lastname", "fullname", "maiden", "gender",
        "nationality", "street", "postal code", "zip code", "zipcode", "postcode", "home address", "billing address", "shipping address",
        "ip address", "latitude", "longitude", "driver license", "tax id", "national id", "health", "diagnosis", "medical", "patient", "ethnicity",
    ),
    "money": (
        "iban", "bic", "swift", "card number", "credit card", "cvv", "cvc", "account number", "routing number", "sort code", "payment", "payments",
        "payout", "refund", "charge", "invoice", "balance", "amount", "price", "currency", "subtotal", "salary", "transfer", "billing", "wallet",
        "transaction", "transactions", "checkout",
    ),
    "credential": (
        "password", "passwd", "passphrase", "secret", "api key", "apikey", "access key", "private key", "access token", "refresh token", "auth token",
        "client secret", "secret key", "pin code", "otp", "totp", "recovery code", "credentials", "session key", "signing key",
    ),
    "auth": (
        "login", "logout", "signin", "signup", "sign in", "sign up", "oauth", "oauth2", "sso", "saml", "mfa", "2fa", "token", "tokens", "session",
        "sessions", "authenticate", "authorize", "auth", "password reset", "reset password",
    ),
    "admin": (
        "admin", "admins", "administrator", "administration", "superuser", "is superuser", "is staff", "role", "roles", "permission", "permissions",
        "grant", "grants", "acl", "policy", "policies", "impersonate", "sudo", "audit",
    ),
}
"""Trait -> names of fields and path words, words apart."""
KINDS: Final = {
    "email": "pii", "phone": "pii", "ssn": "pii", "geo": "pii", "card": "money", "iban": "money", "jwt": "credential", "secret": "credential", "pem": "credential",
}
"""Kind of what was cut -> trait."""
FORMATS: Final = {"email": "pii"}
# fmt: on
_PATH_TRAITS: Final = ("auth", "admin", "money")
_FIELD_TRAITS: Final = ("pii", "money", "credential", "admin")


def traits(group: Group, parameters: Iterable[Parameter], bodies: Iterable[Body], responses: Iterable[Response]) -> tuple[str, ...]:
    """The traits of an operation, sorted."""
    literals = [piece.text for segment in group.segments for piece in segment.pieces if piece.text]
    literals += (group.call.name, *group.call.roots) if group.call else ()
    schemas = [*(body.schema_ for body in bodies), *(response.schema_ for response in responses if response.schema_)]
    named = {*(parameter.wire for parameter in parameters), *(name for schema in schemas for name in property_names(schema))}
    found = set(_of_names(literals, _PATH_TRAITS)) | set(_of_names(named, _FIELD_TRAITS))
    for shape in _shapes(group):
        found.update(KINDS[kind] for kind in shape.redacted if kind in KINDS)
        found.update(FORMATS[name] for name in shape.formats if name in FORMATS)
    return tuple(sorted(found))


def property_names(schema: Any) -> Iterator[str]:
    """All names of properties in a schema."""
    if isinstance(schema, list):
        for item in schema:
            yield from property_names(item)
    elif isinstance(schema, dict):
        for key, item in schema.items():
            if key == "properties" and isinstance(item, dict):
                yield from item
                yield from property_names(list(item.values()))
            else:
                yield from property_names(item)


def _of_names(found: Iterable[str], of: Iterable[str]) -> Iterator[str]:
    texts = {f" {' '.join(words.split(name))} " for name in found}
    for trait in of:
        if any(f" {entry} " in text for entry in NAMES[trait] for text in texts):
            yield trait


def _shapes(group: Group) -> Iterator[Shape]:
    for row in (group.row, group.stated):
        if row is not None:
            yield from _shapes_of(row)


def _shapes_of(row: Row) -> Iterator[Shape]:
    for seen in (*row.query.values(), *row.headers.values()):
        yield from _below(seen.shape)
    for body in (*row.requests.values(), *(body for by_media in row.responses.values() for body in by_media.values())):
        if body.shape is not None:
            yield from _below(body.shape)


def _below(shape: Shape) -> Iterator[Shape]:
    yield shape
    for child in (shape.items, shape.map_values, *shape.properties.values()):
        if child is not None:
            yield from _below(child)
