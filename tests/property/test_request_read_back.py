"""What a server reads out of a request is what the plan and the arguments say, and nothing else: the request is parsed back by other means.

Names are hostile too: documents bring them (`x[]`, quotes, line ends). A name or value that cannot be said in its place is refused.
"""

import re
from typing import Any, Final
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caskmcp.errors import CaskError
from caskmcp.model.tool import BodyPlan, Field_, Tool
from caskmcp.runtime.plan import PreparedRequest, prepare
from tests.property.test_request_grammar import TEXTS
from tests.support.calls import HOST, literal, tool

NAMES: Final = st.one_of(
    st.sampled_from(
        ["x[]", "x[0]", "a[b]", 'file"; filename="/etc/passwd', "a\r\nX-Admin: 1", "a\nb", "a&b=c", "a=b", "a;b", "a#b", "\\", "%22", "é", "$a", "a b"]
    ),
    TEXTS.filter(lambda text: text and not re.search("[\ud800-\udfff]", text)),  # what is no Unicode has no digest, so it was never signed
)  # fmt: skip
KINDS: Final = ("text", "list", "file")
PART: Final = re.compile(
    rb'Content-Disposition: form-data; name="(?P<name>[^"\r\n]*)"'
    rb'(?:; filename="(?P<file>[^"\r\n]*)"\r\nContent-Type: application/octet-stream)?\r\n\r\n(?P<content>.*)',
    re.DOTALL,
)
ROWS: Final = st.lists(
    st.tuples(NAMES, st.sampled_from(KINDS), TEXTS, st.lists(TEXTS, max_size=3)), max_size=4, unique_by=lambda row: row[0]
)


def made(plan: Tool, arguments: dict[str, Any]) -> PreparedRequest | None:
    try:
        return prepare(plan, arguments)
    except CaskError as no:
        if no.code != "CASK-R003":
            raise
        return None


def escaped(name: str) -> bytes:
    """A name as WHATWG writes it into a part's header, with the backslash that RFC 7578 servers take for one doubled."""
    return name.replace("\\", "\\\\").replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22").encode()


def parts_of(request: PreparedRequest) -> list[tuple[bytes, bool, bytes]]:
    """(name, whether it is a file, content) of each part."""
    media = dict(request.headers)["Content-Type"]
    found = re.fullmatch(r"multipart/form-data; boundary=(cask-[0-9a-f]{24})", media)
    assert found
    mark = b"--" + found[1].encode()
    first, *rest = (b"\r\n" + request.body).split(b"\r\n" + mark)
    assert (first, rest[-1]) == (b"", b"--\r\n")
    rows = [PART.fullmatch(part.removeprefix(b"\r\n")) for part in rest[:-1]]
    assert all(part.startswith(b"\r\n") for part in rest[:-1])
    assert all(rows)
    assert all(row["file"] in (None, row["name"]) for row in rows if row)
    return [(row["name"], row["file"] is not None, row["content"]) for row in rows if row]


@settings(max_examples=150)
@given(ROWS)
def test_a_multipart_body_has_the_given_parts_and_no_others(rows: list[tuple[str, str, str, list[str]]]) -> None:
    fields = tuple(Field_(argument=f"a{index}", wire=row[0]) for index, row in enumerate(rows))
    properties = {f"a{index}": {"type": "string", **({"format": "binary"} if row[1] == "file" else {})} for index, row in enumerate(rows)}
    body = BodyPlan(media="multipart/form-data", kind="multipart", fields=fields, required=True)
    plan = tool(method="POST", effect="write", segments=(literal("files"),), properties=properties, required=(), body=body)
    given_ = {f"a{index}": row[3] if row[1] == "list" else row[2] for index, row in enumerate(rows)}
    try:
        request = made(plan, given_)
    except UnicodeEncodeError:
        pytest.fail("a name broke the program")
    if request is None:
        return
    wanted = [(row[0], row[1] == "file", text) for row in rows for text in (row[3] if row[1] == "list" else [row[2]])]
    assert parts_of(request) == [(escaped(name), is_file, text.encode()) for name, is_file, text in wanted]
    assert (request.target, request.host, dict(request.headers)["Content-Length"]) == (b"/files", HOST, str(len(request.body)))


@settings(max_examples=150)
@given(ROWS, st.lists(st.booleans(), min_size=4, max_size=4))
def test_a_query_reads_back_as_the_arguments_and_the_constants_of_those_not_given(
    rows: list[tuple[str, str, str, list[str]]], sent: list[bool]
) -> None:
    fields = tuple(Field_(argument=f"a{index}", wire=row[0], default=row[2]) for index, row in enumerate(rows))
    properties = {field.argument: {"type": "string"} for field in fields}
    plan = tool(segments=(literal("orders"),), properties=properties, required=(), query=fields)
    given_ = {f"a{index}": row[3] for index, row in enumerate(rows) if sent[index]}
    request = made(plan, given_)
    if request is None:
        return
    wanted = [(row[0], text) for index, row in enumerate(rows) for text in (row[3] if sent[index] else [row[2]]) if sent[index] or row[2]]
    path, _, query = request.target.partition(b"?")
    assert path == b"/orders"
    assert parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query)) == wanted


@settings(max_examples=150)
@given(NAMES, TEXTS, TEXTS, st.booleans())
def test_a_header_is_one_line_of_its_own_name_or_there_is_no_request(name: str, constant: str, value: str, given_: bool) -> None:
    fields = (Field_(argument="a", wire=name, style="simple", default=constant),)
    plan = tool(segments=(literal("orders"),), properties={"a": {"type": "string"}}, required=(), headers=fields)
    plain = {"Host", "User-Agent", "Accept", "Accept-Encoding"}
    request = made(plan, {"a": value} if given_ else {})
    if request is None:
        return
    rest = [(key, text) for key, text in request.headers if key not in plain]
    assert rest == ([(name, value)] if given_ else [(name, constant)] if constant else [])
    assert all(re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", key) and not re.search(r"[\r\n\0]", text) for key, text in rest)


def test_the_fuzzing_reaches_requests() -> None:
    body = BodyPlan(media="multipart/form-data", kind="multipart", fields=(Field_(argument="a", wire='f"\r\nX: 1'),))
    request = made(
        tool(method="POST", segments=(literal("files"),), properties={"a": {"format": "binary"}}, required=(), body=body), {"a": "\r\n--x"}
    )
    assert request is not None
    assert parts_of(request) == [(b"f%22%0D%0AX: 1", True, b"\r\n--x")]
