"""The merge: documents, `paths:` and traffic become operations; what becomes none is said with its reason."""

import json
from typing import Any

import pytest

from caskmcp import canon
from caskmcp.compiler.normalize import merge, stage, vocabulary
from caskmcp.errors import CaskError
from caskmcp.model.exchange import Declared, DeclaredBody, DeclaredParameter, DeclaredResponse
from caskmcp.model.observation import Group, Observations
from tests.support.contracts import Given
from tests.support.traffic import HOST, Item, exchange, merged, operations, part, parts

ORDERS = ("GET /orders/1 200 {id: 1, total: 2}", "GET /orders/2 200 {id: 2, total: 3}")


def run(*sources: tuple[Item, ...], committed: dict[str, Any] | None = None, paths: list[str] | None = None) -> dict[str, Any]:
    """The stage itself, through JSON."""
    found = {str(number): part(*source, named=paths or ()) for number, source in enumerate(sources)}
    given = {
        "normalize.part": {step: stage.bare_part(one) for step, one in found.items()},
        "normalize.candidates": found,
        "committed.parts": committed or {},
        "project.paths": paths,
    }
    return dict(merge.run(Given(json.loads(canon.compact(given)))))


def declared(path: str, method: str = "GET", **more: Any) -> Declared:
    names = [piece.split("}")[0] for piece in path.split("{")[1:]]
    parameters = tuple(DeclaredParameter(name=name, location="path", schema={"type": "string"}, required=True) for name in names)
    return Declared(method=method, scheme="https", host=HOST, port=0, path=path, parameters=parameters, **more)


# ---------------------------------------------------------------- documents
def test_a_documents_template_takes_the_traffic_that_is_inside_it() -> None:
    groups, coverage = merged(parts(["GET /storages/localfiles 200 []", "GET /storages/gcs 200 []"], [declared("/storages/{kind}")]))
    assert list(groups) == [f"GET {HOST}/storages/{{kind}}"]
    group = Group.model_validate_json(groups[f"GET {HOST}/storages/{{kind}}"])
    assert group.row is not None
    assert (group.row.count, group.parts, len(group.declared)) == (2, ("spec", "traffic"), 1)
    assert sorted(coverage["operations"][group.id]["parts"].values()) == [0, 2]


def test_a_document_keeps_a_literal_that_the_table_does_not_know() -> None:
    traffic = ["GET /runs/lateness 200 {count: 1, total: 2}", "GET /runs/17 200 {id: 1, name: x}"]
    assert operations(traffic) == ["GET /runs/{run_id}"] or operations(traffic) == ["GET /runs/{run_name}"]
    named = ["/runs/lateness", "/runs/{id}"]
    groups, _ = merged(parts([*traffic, *map(declared, named)], named=named))
    assert sorted(groups) == [f"GET {HOST}/runs/lateness", f"GET {HOST}/runs/{{run_id}}"]


def test_the_more_exact_of_two_documented_templates_takes_the_traffic() -> None:
    groups, _ = merged(parts(["GET /users/me 200 {id: 1}", "GET /users/7 200 {id: 1}", declared("/users/{id}"), declared("/users/me")]))
    counts = {name: json.loads(group)["row"]["count"] for name, group in groups.items()}
    assert counts == {f"GET {HOST}/users/me": 1, f"GET {HOST}/users/{{user_id}}": 1}


def test_a_document_of_another_method_takes_nothing() -> None:
    groups, _ = merged(parts(["POST /users/search 200 [{id: 1}]", declared("/users/{id}")]))
    assert sorted(groups) == [f"GET {HOST}/users/{{user_id}}", f"POST {HOST}/users/search"]


def test_an_operation_that_only_a_document_knows_has_no_row() -> None:
    groups, coverage = merged(parts([declared("/orders/{orderId}", operation_id="getOrder")]))
    group = Group.model_validate_json(groups[f"GET {HOST}/orders/{{order_id}}"])
    assert (group.row, group.parts, group.segments[1].pieces[0].wire) == (None, ("spec",), "orderId")
    assert coverage["operations"][group.id]["parts"] == dict.fromkeys(parts([declared("/orders/{orderId}", operation_id="getOrder")]), 0)


def test_a_documented_operation_stays_though_traffic_only_failed() -> None:
    groups, coverage = merged(parts(["GET /orders/7 404", declared("/orders/{id}")]))
    assert list(groups) == [f"GET {HOST}/orders/{{order_id}}"]
    assert "left_out" not in coverage


def test_several_parameters_in_a_segment_keep_what_stands_between_them() -> None:
    groups, _ = merged(parts(["GET /diffs/17..18 200 {id: 1}", declared("/diffs/{from}..{to}")]))
    group = Group.model_validate_json(groups[f"GET {HOST}/diffs/{{from}}..{{to}}"])
    assert [(piece.text, piece.name, piece.wire) for piece in group.segments[1].pieces] == [
        ("", "from", "from"),
        ("..", "", ""),
        ("", "to", "to"),
    ]


def test_two_documents_of_one_operation_are_one() -> None:
    first = declared("/orders/{id}", responses=(DeclaredResponse("200", "application/json", {"type": "object"}),))
    second = declared("/orders/{id}", bodies=(DeclaredBody("application/json", {}),))
    groups, _ = merged(parts([first, second, first]))
    assert [len(json.loads(group)["declared"]) for group in groups.values()] == [2]


# ---------------------------------------------------------------- paths:
@pytest.mark.feature(19)
def test_a_template_of_the_manifest_wins_over_the_table_and_over_documents() -> None:
    traffic = ["GET /api/acme/orders/1 200 {id: 1}", "GET /api/users/orders/2 200 {id: 1}", "GET /api/reports/orders/3 200 {id: 1}"]
    wanted = ["/api/{tenant}/orders/{order_id}"]
    assert operations([*traffic, declared("/api/{t}/orders/{o}")], wanted) == ["GET /api/{tenant}/orders/{order_id}"]


def test_a_template_of_the_manifest_rules_also_what_begins_like_it() -> None:
    traffic = ["GET /users/orders 200 []", "GET /reports/orders/3/items 200 []"]
    assert operations(traffic, ["/{shop}/orders/{order}"]) == ["GET /{shop}/orders", "GET /{shop}/orders/{order}/items"]


def test_a_literal_of_the_manifest_is_kept_and_never_merged() -> None:
    traffic = ["GET /runs/lateness 200 {id: 1, total: 2}", "GET /runs/amber-9 200 {id: 1, total: 2}"]
    assert operations(traffic, ["/runs/lateness"]) == ["GET /runs/lateness", "GET /runs/{run_name}"]


def test_a_pattern_of_the_manifest_has_several_parameters_in_a_segment() -> None:
    assert operations(["GET /diffs/1..2 200 {id: 1}"], ["/diffs/{base}..{head}"]) == ["GET /diffs/{base}..{head}"]


def test_a_pattern_of_the_manifest_takes_what_fits_it_and_leaves_its_siblings_alone() -> None:
    traffic = [
        "GET /diffs/1..2 200 {id: 1, size: 2}",
        "GET /diffs/17 200 {id: 1, size: 2}",
        "GET /diffs/18 200 {id: 1, size: 2}",
        "GET /diffs/latest 200 {day: x, total: 2}",
    ]
    wanted = ["GET /diffs/latest", "GET /diffs/{base}..{head}", "GET /diffs/{diff_id}"]
    assert operations(traffic, ["/diffs/{base}..{head}"]) == wanted
    assert operations([*traffic, declared("/diffs/{base}..{head}")]) == wanted
    assert operations(traffic, ["/diffs/{base}..{head}", "/diffs/{any}"]) == ["GET /diffs/{any}", "GET /diffs/{base}..{head}"]


def test_a_pattern_with_a_word_takes_words_of_its_form() -> None:
    traffic = [
        "GET /export.csv 200 [{id: 1}]",
        "GET /export.json 200 [{id: 1}]",
        "GET /orders 200 [{id: 1}]",
        "GET /users/7 200 {id: 1, size: 2}",
    ]
    assert operations(traffic, ["/export.{form}"]) == ["GET /export.{form}", "GET /orders", "GET /users/{user_id}"]


# ---------------------------------------------------------------- what is left out
def test_what_is_no_operation_is_named_with_its_reason() -> None:
    _, coverage = merged(
        parts(
            [
                *ORDERS,
                "OPTIONS /orders 204",
                "HEAD /orders 200",
                "GET /start 200 type text/html",
                "GET /a.css 200 type text/css",
                "GET /recent 301",
                "GET /missing 410",
            ]
        )
    )
    assert coverage["left_out"] == {
        f"OPTIONS {HOST}/orders": "preflight",
        f"HEAD {HOST}/orders": "head",
        f"GET {HOST}/start": "page",
        f"GET {HOST}/{{other}}": "asset",
        f"GET {HOST}/recent": "redirect",
        f"GET {HOST}/missing": "never succeeded",
    }


def test_a_parameter_with_one_value_in_three_exchanges_is_reported_without_it() -> None:
    _, coverage = merged(
        parts(
            ["GET /storages/hetzner 200 []"] * 3
            + ["GET /pools/p-1 200 []"] * 2
            + ["GET /runs/r-1 200 []", "GET /runs/r-2 200 []", "GET /runs/r-2 200 []"]
        )
    )
    assert coverage["single_valued"] == {f"GET {HOST}/storages/{{storage_name}} storage_name": 3}
    assert "hetzner" not in json.dumps(coverage)


def test_one_value_here_and_another_there_are_two() -> None:
    one, two = ["GET /storages/hetzner 200 []"] * 3, ["GET /storages/scaleway 200 []"] * 4
    _, coverage = merged(parts(one, two))
    assert "single_valued" not in coverage


def test_nothing_left_is_an_error_that_says_what_was_there() -> None:
    with pytest.raises(CaskError) as caught:
        merged(parts(["GET /missing 404", "GET /recent 302", "OPTIONS /orders 204"]))
    assert caught.value.code == "CASK-N001"
    assert caught.value.what == "no operation is left: 1 never succeeded, 1 preflight, 1 redirect"


def test_nothing_at_all_is_an_error_too() -> None:
    with pytest.raises(CaskError) as caught:
        run()
    assert caught.value.what == "no source and no committed observation gives an operation"


# ---------------------------------------------------------------- origins
def test_the_same_path_on_another_port_is_another_operation_and_another_scheme_is_not() -> None:
    groups, _ = merged(parts([exchange("GET /orders", port=8443), exchange("GET /orders", scheme="http"), exchange("GET /orders")]))
    assert sorted(groups) == [f"GET {HOST}/orders", f"GET {HOST}:8443/orders"]
    assert [json.loads(group)["scheme"] for group in groups.values()] == ["https", "https"]


def test_an_operation_that_was_only_seen_in_the_clear_stays_so() -> None:
    groups, _ = merged(parts([exchange("GET /orders", scheme="http")]))
    assert json.loads(groups[f"GET {HOST}/orders"])["scheme"] == "http"


# ---------------------------------------------------------------- the stage
def test_the_observations_are_of_the_published_form_with_the_parts_by_their_ids() -> None:
    out = run(ORDERS, ("GET /users 200 [{id: 1}]",))
    observations = Observations.model_validate_json(out["observations"])
    assert len(observations.parts) == 2
    assert b"candidates" not in out["observations"]
    assert b"tokens" not in out["observations"]
    assert out["observations"].endswith(b"}\n")


def test_a_source_and_its_committed_part_are_counted_once() -> None:
    first = run(ORDERS)
    again = run(ORDERS, committed=json.loads(first["observations"])["parts"])
    assert again == first


def test_committed_parts_stand_in_for_sources_that_are_not_here() -> None:
    first = run(ORDERS, ("GET /users 200 [{id: 1}]",))
    assert run(committed=json.loads(first["observations"])["parts"]) == first


def test_a_committed_part_and_a_new_source_add_up() -> None:
    first = run(ORDERS)
    both = run(("GET /orders/3 200 {id: 3, total: 4}",), committed=json.loads(first["observations"])["parts"])
    assert json.loads(both["groups"][f"GET {HOST}/orders/{{order_id}}"])["row"]["count"] == 3


@pytest.mark.parametrize("part", [{"kind": "traffic", "rows": 7}, {"kind": "traffic", "people": ["zoltan"]}, {}, 7])
def test_a_committed_part_of_another_form_is_refused(part: Any) -> None:
    with pytest.raises(CaskError) as caught:
        run(ORDERS, committed={"sha256:" + "0" * 64: part})
    assert caught.value.code == "CASK-I004"


def test_a_new_exchange_changes_the_group_that_it_touches_and_no_other() -> None:
    before = run((*ORDERS, "GET /users 200 [{id: 1}]"))["groups"]
    after = run((*ORDERS, "GET /users 200 [{id: 1}]", "GET /users 200 [{id: 2}]"))["groups"]
    assert {name for name in before if before[name] != after[name]} == {f"GET {HOST}/users"}


def test_the_vocabulary_is_what_documents_and_the_manifest_name() -> None:
    heads = {"a": {"templates": ["/runs/lateness", "/runs/{id}"]}, "b": {}}
    out = vocabulary.run(Given({"capture.head": heads, "project.paths": ["/b", "/a"]}))
    assert json.loads(bytes(out["templates"])) == ["/a", "/b", "/runs/lateness", "/runs/{id}"]


def test_a_bad_template_of_the_manifest_is_refused_before_anything_is_read() -> None:
    with pytest.raises(CaskError, match="CASK-N002"):
        vocabulary.run(Given({"capture.head": {}, "project.paths": ["orders"]}))
