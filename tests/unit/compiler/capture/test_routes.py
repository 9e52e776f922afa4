"""Routes of routers: every framework's way to write a parameter, fitted to the path that it was said of."""

import pytest

from caskmcp.compiler.capture.routes import NO_ROUTE, Fitted, fitted, trusted
from caskmcp.compiler.normalize import templates


@pytest.mark.parametrize(
    ("route", "framework"),
    [
        ("/orders/{orderId}/items", "OpenAPI, Spring, axum"),
        ("/orders/:orderId/items", "Express, Gin, Phoenix"),
        ("/orders/:orderId(\\d+)/items", "Fastify, Express 4"),
        ("/orders/<orderId>/items", "Flask, Rocket"),
        ("/orders/<int:orderId>/items", "Flask, Django"),
        ("/orders/<string(length=2):orderId>/items", "Flask with arguments"),
        ("orders/<int:orderId>/items", "Django without the slash"),
        ("^orders/(?P<orderId>[0-9]+)/items$", "Django, a regular expression"),
        ("^orders/(?P<orderId>[^/.]+)/items$", "Django REST framework"),
        ("^orders/(?P<orderId>(a|b)+)/items/?$", "a group in a group"),
        ("/orders/{orderId:int}/items", "ASP.NET"),
        ("orders/{orderId:int:min(1)}/items", "ASP.NET, several constraints"),
        ("/orders/{orderId:[0-9]+}/items", "chi, gorilla"),
        ("/orders/{orderId:[^/]+}/items", "a slash inside of a constraint"),
        ("/orders/[orderId]/items", "Next.js"),
        ("GET /orders/{orderId}/items", "Go 1.22, ASP.NET endpoints"),
        ("GET api.example.com/orders/{orderId}/items", "Go 1.22 with a host"),
        ("/orders/:orderId/items(.:format)", "Rails"),
        ("/orders/{orderId}/items/", "an end that the path does not have"),
        ("/orders/{orderId}/items/{page?}", "an optional parameter that is not there"),
        ("/orders/:orderId/items/:page?", "Express, the same"),
        ("/orders/{orderId}/items/{$}", "Go's end of a path"),
    ],
)
def test_each_way_to_write_a_parameter_names_the_same_segment(route: str, framework: str) -> None:
    assert framework
    assert fitted(route, "/orders/17/items") == Fitted("/orders/{orderId}/items", ((1, "orderId"),))


@pytest.mark.parametrize(
    ("route", "path", "template", "names"),
    [
        ("/orders/{id}", "/orders/17", "/orders/{id}", {1: "id"}),
        ("/:tenant/orders/:id", "/acme/orders/17", "/{tenant}/orders/{id}", {0: "tenant", 2: "id"}),
        ("/files/{name}.{ext}", "/files/a.txt", "/files/{name_ext}", {1: "name_ext"}),
        ("/flights/:from-:to", "/flights/ZRH-SFO", "/flights/{from_to}", {1: "from_to"}),
        ("/orders/{}/items", "/orders/17/items", "/orders/{id}/items", {1: "id"}),
        ("/1.0/cards/{id}", "/1.0/cards/a8", "", {2: "id"}),
        ("/frobs/{frobId}", "/frobs/17", "", {1: "frobId"}),
        ("/orders/{id?}", "/orders/17", "/orders/{id}", {1: "id"}),
        ("api/{controller=Home}/{action=Index}/{id?}", "/api/home/index", "/api/{controller}/{action}", {1: "controller", 2: "action"}),
        ("/orders/{id}", "/orders/17/", "/orders/{id}/", {1: "id"}),
    ],
)
def test_parameters_stand_where_they_stand_in_the_path(route: str, path: str, template: str, names: dict[int, str]) -> None:
    found = fitted(route, path)
    assert (found.template, dict(found.parameters)) == (template, names)


@pytest.mark.parametrize(
    ("route", "path", "template"),
    [
        ("/:id", "/orders/17", "/orders/{id}"),
        ("/orders/{id}", "/api/v1/orders/17", "/api/v1/orders/{id}"),
        ("/orders/{id}", "/x9f2/orders/17", ""),
    ],
)
def test_a_route_below_a_prefix_is_completed_by_words_and_by_nothing_else(route: str, path: str, template: str) -> None:
    assert fitted(route, path).template == template


@pytest.mark.parametrize(
    "route",
    ["/*", "/**", "*", "/orders/*", "/orders/**", "/orders/*rest", "/orders/{*rest}", "/orders/{**rest}", "/orders/{rest:.*}", "/orders/{rest:path}",
     "/orders/<path:rest>", "/orders/<rest..>", "/orders/{rest...}", "/orders/[...rest]", "/orders/[[...rest]]", "/orders/(.*)", "/orders/:rest*"],
)  # fmt: skip
def test_a_catch_all_says_nothing_since_a_proxy_has_one_for_everything(route: str) -> None:
    assert fitted(route, "/orders/17") == Fitted("")


@pytest.mark.parametrize(
    "route",
    [
        "",
        "/users/{id}",
        "/orders",
        "/orders/{id}/items",
        "/orders/{id}\n",
        "/" + "a" * 600,
        "/ORDERS/{id}",
        "/{a}/{b}/{c}",
        "{",
        "(",
        "/orders/{",
    ],
)
def test_what_does_not_fit_the_path_says_nothing(route: str) -> None:
    assert fitted(route, "/orders/17") == Fitted("")


@pytest.mark.parametrize(
    "path", ["/orders/17", "/orders/2026-11-20", "/reset/9f86d081884c7d659a2feaa0", "/users/ann@example.com", "/a/" + "b" * 90]
)
def test_a_path_in_the_place_of_a_route_is_told_as_none(path: str) -> None:
    assert fitted(path, path) == Fitted(NO_ROUTE)


@pytest.mark.parametrize("path", ["/", "/orders", "/api/v2/orders/search", "/en/products", "/o/ok"])
def test_a_route_of_words_alone_is_itself(path: str) -> None:
    assert fitted(path, path) == Fitted(path)


def test_every_template_is_one_that_the_manifest_could_hold() -> None:
    for route, path in [("/a/{x.y-z}/{1a}", "/a/b/c"), ("/a/<b>/:c", "/a/1/2"), ("/{a{b}}/c", "/1/c")]:
        if (found := fitted(route, path)).template:
            assert templates.parse(found.template).matches(tuple(templates.split_path(path.replace("%20", " "))))


def test_a_literal_that_a_template_could_not_hold_as_it_is_makes_the_route_none() -> None:
    assert fitted("/a b/%7Bc/100%/{id}", "/a%20b/%7Bc/100%25/1") == Fitted(NO_ROUTE)


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ({("a", "/orders/{id}"), ("a", "/search")}, {"/orders/{id}", "/search"}),
        ({("a", "/orders/{id}"), ("a", "/lateness")}, {"/orders/{id}"}),
        ({("a", "/quillon/{id}"), ("a", "/orders/9"), ("a", "/{id}"), ("a", "orders/{id}")}, set()),
        ({("a", "/orders/{id}"), ("a", "/users/ann"), ("a", NO_ROUTE)}, {"/orders/{id}"}),
        ({("a", "/orders/{id}"), ("a", "/search"), ("b", "/users/ann"), ("b", NO_ROUTE)}, {"/orders/{id}", "/search"}),
        ({("a", "/orders/{id}"), ("b", "/users/ann")}, {"/orders/{id}"}),
        ({("a", "/users/ann"), ("a", "/lateness")}, set()),
        ({("a", NO_ROUTE)}, set()),
        (set(), set()),
    ],
)
def test_a_route_of_letters_alone_counts_only_beside_real_ones_and_never_beside_a_path(
    routes: set[tuple[str, str]], expected: set[str]
) -> None:
    assert trusted(routes) == expected


def test_a_hostile_route_takes_linear_time() -> None:
    for text in ("(?P<a>" + "[b]" * 150, "(?P<a>" + "(b)" * 150, "{a:" * 120, "<" * 490, ":a(" * 150, "[..." * 120):
        assert fitted("/" + text, "/q9x/q8x").template == ""
