"""The source `webmcp`: what `capture webmcp` wrote becomes proposals and never an operation; anything else is refused with its line."""

import json
from typing import Any

import pytest

from caskmcp.compiler.capture.codec import decode_lines
from caskmcp.compiler.capture.sources.kinds import is_document, kind_of
from caskmcp.compiler.capture.sources.webmcp import WebMcp
from caskmcp.compiler.capture.stage import redacted
from caskmcp.compiler.normalize import proposals
from caskmcp.compiler.normalize.merge import merge
from caskmcp.compiler.normalize.stage import summarize
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared, Proposed, Skipped
from caskmcp.model.observation import Part
from caskmcp.text import Document

LINK = {"document": "/.well-known/api-catalog", "kind": "openapi", "url": "https://far.example/openapi.json", "title": "Far"}


def tool(name: str = "find", **more: Any) -> dict[str, Any]:
    return {"origin": "https://shop.example", "name": name, "description": "Finds."} | more


def document(*tools: Any, links: Any = (), **more: Any) -> bytes:
    return json.dumps({"schema": "caskmcp/discovery/1", "page": "https://shop.example/app", "tools": tools, "links": links} | more).encode()


def read(data: bytes) -> list[Proposed | Skipped]:
    return list(WebMcp().read([data[:9], data[9:]]))


def test_each_tool_and_each_link_is_a_proposal_of_its_site() -> None:
    found = read(
        document(tool(title="Find", input_schema={"type": "object"}, how="declarative", origin="http://shop.example:8080"), links=[LINK])
    )
    assert found == [
        Proposed("webmcp", "http", "shop.example", 8080, "declarative", "find", "Find", "Finds.", {"type": "object"}),
        Proposed(
            "well-known", "https", "shop.example", 0, "openapi", "/.well-known/api-catalog", "Far", url="https://far.example/openapi.json"
        ),
    ]


def test_a_standard_port_is_none_and_an_origin_that_is_none_is_left_out() -> None:
    first, second = read(document(tool(origin="https://shop.example:443"), tool(origin="https://shop.example:99999")))
    assert isinstance(first, Proposed)
    assert first.port == 0
    assert second == Skipped("tools.1", "unsupported", detail="its origin is none")


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", "line 1"),
        (b"{", "line 1"),
        (b"[]", "line 1"),
        (document().replace(b"discovery/1", b"discovery/2"), "line 1"),
        (document(tool(name="")), "line 1"),
        (document(tool(origin="ftp://x")), "line 1"),
        (document(tool(secret="Planted7788")), "line 1"),
        (document(links=[LINK | {"url": "file:///etc/passwd"}]), "line 1"),
        (document(links=[LINK | {"document": "/../../x"}]), "line 1"),
    ],
)
def test_what_is_no_discovery_is_refused(data: bytes, place: str) -> None:
    with pytest.raises(CaskError) as caught:
        read(data)
    assert (caught.value.code, caught.value.exit, caught.value.place) == ("CASK-C002", 3, place)
    assert "Planted" not in str(caught.value)


def test_a_document_without_end_is_refused() -> None:
    with pytest.raises(CaskError, match="CASK-C005"):
        list(WebMcp().read(iter([b" " * (1 << 20)] * 17)))


def test_the_file_is_known_by_its_head_and_by_its_name_and_is_committed() -> None:
    assert kind_of("a.json", document()) == "webmcp"
    assert kind_of("shop.webmcp.json", b"{}") == "webmcp"
    assert is_document("webmcp")


# ---------------------------------------------------------------- on its way
def captured(data: bytes, *hosts: str) -> tuple[list[Any], dict[str, Any]]:
    outputs = redacted(WebMcp().read([data]), kind="webmcp", hosts=hosts or ("shop.example",), redact={}, key=b"k" * 32)
    blocks = list(outputs["exchanges"])  # type: ignore[arg-type]
    return list(decode_lines(blocks)), json.loads(b"".join(outputs["head"]))  # type: ignore[arg-type]


def test_what_another_site_offers_is_a_third_party_s() -> None:
    found, head = captured(document(tool(), tool(origin="https://stats.example"), links=[LINK]))
    assert [item.name for item in found] == ["find", "/.well-known/api-catalog"]
    assert (head["kept"], head["proposed"], head["skipped"], head["hosts"]) == (2, 2, [["third party", 1]], [["stats.example", 1]])


def test_a_document_of_others_alone_is_refused_naming_them() -> None:
    with pytest.raises(CaskError, match="hosts seen: stats"):
        captured(document(tool(origin="https://stats.example")))


def part(*tools: Any, links: Any = ()) -> dict[str, Any]:
    return summarize(captured(document(*tools, links=links))[0])


def test_a_part_holds_offers_sorted_and_is_one_of_documents_alone() -> None:
    made = part(tool("b"), tool("a"), links=[LINK])
    assert made["kind"] == "spec"
    assert made == part(tool("a"), tool("b"), links=[LINK])
    assert [item["name"] for item in made["proposed"]] == ["/.well-known/api-catalog", "a", "b"] or len(made["proposed"]) == 3
    assert Part.of(Document("p", made, {})).rows == ()


def test_offers_are_a_union_whatever_the_cut_into_documents() -> None:
    whole, one, other = part(tool("a"), tool("b"), links=[LINK]), part(tool("a"), links=[LINK]), part(tool("b"), tool("a"))
    assert proposals.coverage({"x": whole}) == proposals.coverage({"p": one, "q": other}) == proposals.coverage({"q": one, "p": other})
    assert [row["name"] for row in proposals.coverage({"x": whole})["proposals"]] == ["a", "b", "/.well-known/api-catalog"]


def test_offers_alone_are_nothing_to_compile() -> None:
    with pytest.raises(CaskError, match="1 listed, none is an operation"):
        merge({"x": part(tool())}, ())


def test_offers_beside_operations_change_no_operation() -> None:
    spec = summarize([Declared("GET", "https", "shop.example", 0, "/orders")])
    bare, _ = merge({"s": spec}, ())
    groups, coverage = merge({"s": spec, "x": part(tool(title="T", input_schema={"type": "object"}))}, ())
    assert groups == bare
    assert coverage["proposals"] == [
        {
            "source": "webmcp",
            "origin": "https://shop.example",
            "kind": "imperative",
            "name": "find",
            "title": "T",
            "description": "Finds.",
            "input_schema": {"type": "object"},
        }
    ]
