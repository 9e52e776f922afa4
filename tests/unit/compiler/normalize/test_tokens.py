"""Labels of path segments: a literal is kept, a class is not, and nothing depends on counts or on the redaction key."""

import pytest

from caskmcp.compiler.normalize.tokens import class_name, is_class, label
from caskmcp.model.observation import CLASSES
from caskmcp.redact.placeholder import placeholder


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("users", "users"),
        ("work_pools", "work_pools"),
        ("export.csv", "export.csv"),
        ("v1", "v1"),
        ("v12", "v12"),
        ("s3", "s3"),
        ("me", "me"),
        ("", ""),
        ("17", "{integer}"),
        ("-4", "{integer}"),
        ("0f8bb918-928c-4b90-9cd5-7a431ef2bf68", "{uuid}"),
        ("0F8BB918-928C-4B90-9CD5-7A431EF2BF68", "{uuid}"),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "{ulid}"),
        ("5f3a9c0de1b2", "{hex}"),
        ("5F3A9C0DE1", "{hex}"),
        ("2024-01-31", "{date}"),
        ("2024-13-31", "{other}"),
        ("pt-BR", "{locale}"),
        ("de_at", "{locale}"),
        ("xx-YY", "{other}"),
        ("amber-velvet-9", "{other}"),
        ("ana", "{other}"),
        ("ana.kovacs", "{other}"),
        ("a@b.example", "{other}"),
        ("users..orders", "{other}"),
        ("users+orders", "{other}"),
        ("us%65rs", "{other}"),
        ("users:orders", "{other}"),
        ("flow.0f8bb918-928c-4b90-9cd5-7a431ef2bf68", "{other}"),
        ("münchen", "{other}"),
        ("{integer}", "{other}"),
        ("maps;area=north", "maps;area={}"),
        ("maps;area=north;zoom=3", "maps;area={};zoom={}"),
        ("maps;area=north;area=south", "{other}"),
        ("maps;zoltan=3", "{other}"),
        ("maps;north", "{other}"),
        ("maps;area=", "{other}"),
        ("zoltan;area=north", "{other}"),
        ("7;area=north", "{other}"),
        ("orders;jsessionid=8A3F51", "orders"),
        ("7;JSESSIONID=8A3F51", "{integer}"),
        ("maps;sid=8A3F51;area=north", "maps;area={}"),
        (";area=north", "{other}"),
        ("facade", "{other}"),
    ],
)
def test_a_segment_is_a_literal_or_a_class(token: str, expected: str) -> None:
    assert label(token) == expected


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("email", "zoltan@shop.test", "{other}"),
        ("secret", "0f8bb918-928c-4b90-9cd5-7a431ef2bf68", "{uuid}"),
        ("secret", "0123456789abcdef0123456789abcdef", "{hex}"),
        ("secret", "hunter2hunter2", "{other}"),
        ("card", "4539578763621486", "{integer}"),
        ("phone", "+4915112345678", "{other}"),
        ("date", "1977-05-04", "{date}"),
    ],
)
def test_a_placeholder_has_one_label_under_every_key(kind: str, value: str, expected: str) -> None:
    assert {label(placeholder(bytes([number]) * 32, kind, value)) for number in range(20)} == {expected}


def test_each_class_is_one_that_observations_know() -> None:
    labels = [label(token) for token in ("1", "2024-01-31", "pt-BR", "ana", "5f3a9c0de1", "01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    assert all(map(is_class, labels))
    assert {class_name(found) for found in labels} < set(CLASSES)
    assert class_name("garden") == "other"
