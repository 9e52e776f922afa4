"""What a hostile reviewer got through redaction made fast, and what a hostile document could break in the files that are handed over."""

import ast
import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, unquote

import pytest
import yaml

from caskmcp.compiler.emit.stage import run
from caskmcp.record import wellknown
from caskmcp.redact.cut import Redactor
from tests.support.capturing import KEY, capture, entry, har
from tests.support.contracts import STRING, contract, obj
from tests.support.storefront import given

UUID: Final = "6f1e2d3c-1111-4222-8333-444455556666"
OBJECT_ID: Final = "5f1e2d3c111142228333aaaa"
URL: Final = "https://api.example.com"


# ---------------------------------------------------------------- patterns of the user's own
OWN: Final = (("member", r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), ("object", r"\b[0-9a-f]{24}\b"))


def test_a_pattern_of_the_users_own_cuts_ids_that_no_form_of_ours_looks_at() -> None:
    redactor = Redactor(KEY, patterns=OWN)
    made = json.dumps(redactor.json({"ref": UUID, "more": [OBJECT_ID, {"x": UUID}]}, "response"))
    redactor.look(f"/x/{UUID}", [("q", OBJECT_ID)])
    made += redactor.path(f"/x/{UUID}/{OBJECT_ID}") + repr(redactor.pairs([("q", UUID)], "query"))
    assert UUID not in made
    assert OBJECT_ID not in made
    assert Redactor(KEY).path(f"/x/{UUID}") == f"/x/{UUID}"  # nobody asked


@pytest.mark.parametrize("form", [r"\AST-[0-9]{6}\z", r"(?-m)^ST-[0-9]{6}$", r"^ST-[0-9]{6}$", r"(?i)\Ast-[0-9]{6}|zz"])
def test_a_pattern_that_asks_where_a_text_begins_finds_it_among_others(form: str) -> None:
    redactor = Redactor(KEY, patterns=[("staff", form)])
    made = json.dumps(redactor.json({"a": "x", "b": "ST-123456", "c": ["y", "ST-123457", "z"]}, "response"))
    made += redactor.path("/a/ST-123458/b") + repr(redactor.pairs([("a", "x"), ("b", "ST-123459"), ("c", "y")], "query"))
    assert "ST-" not in made


def test_what_a_pattern_names_is_in_no_capture() -> None:
    answer = {"id": 1, "member": {"ref": UUID}, "staff": ["x", "ST-123456"]}
    patterns = [{"name": name, "re": form} for name, form in (*OWN, ("staff", r"\AST-[0-9]{6}\z"))]
    captured = capture(har(entry(f"{URL}/members/{UUID}", answer=answer)), redact={"profile": "strict", "patterns": patterns})
    assert b"/members/" in captured.written
    assert [text for text in (UUID, "ST-123456") if text.encode() in captured.written] == []


# ---------------------------------------------------------------- what was seen before
@pytest.mark.parametrize("before", [{}, {"keep": ["staff_no"]}, {"profile": "standard"}])
def test_what_another_project_lets_pass_in_the_same_process_is_cut_here(before: dict[str, Any]) -> None:
    hidden = base64.b64encode(b'{"staff_no":"ZX81"}').decode()
    assert Redactor(KEY, **before).json({"c": hidden}, "response") == {"c": hidden}
    here = Redactor(KEY, keys=["staff_no"])
    assert hidden not in json.dumps(here.json({"c": hidden}, "response"))
    assert hidden not in repr(here.pairs([("c", hidden)], "query"))


@pytest.mark.parametrize("name", ["accessTokenV2", "access_token_v2", "passwordV2", "apiKeyV1", "X-Api-Key-V2", "x-api-key-v2"])
def test_a_version_at_the_end_of_a_name_hides_nothing(name: str) -> None:
    assert "hunter2zoltan" not in repr(Redactor(KEY).json({name: "hunter2zoltan"}, "response"))
    assert "hunter2zoltan" not in repr(Redactor(KEY).pairs([(name, "hunter2zoltan")], "query"))


@pytest.mark.parametrize("name", ["v2", "api_v2", "page_v", "token_version"])
def test_a_version_alone_is_no_secret(name: str) -> None:
    assert Redactor(KEY).json({name: "hunter2zoltan"}, "response") == {name: "hunter2zoltan"}


# ---------------------------------------------------------------- paths
TOKEN: Final = "ghp_" + "Ab3d9xYz" * 5


@pytest.mark.parametrize(
    "segment",
    [
        TOKEN + "=1",
        ";a=1;" + TOKEN + "=",
        base64.b64encode(TOKEN.encode()).decode(),
        base64.b64encode(b'{"password":"hunter2hunter"}').decode(),
        base64.b64encode(base64.b64encode(f"{TOKEN}xyz".encode())).decode(),
    ],
)
def test_a_secret_before_an_equals_sign_is_in_no_path(segment: str) -> None:
    assert "=" in segment
    for sent in (segment, quote(segment, safe="")):
        made = unquote(Redactor(KEY).path(f"/files/{sent}/raw"))
        assert made.startswith("/files/")
        assert made.endswith("/raw")
        assert segment.rstrip("=") not in made
        assert TOKEN not in made


def test_matrix_parameters_are_cut_by_their_names_and_kept_without_one() -> None:
    assert Redactor(KEY).path("/orders;page=2/x;color=red") == "/orders;page=2/x;color=red"
    made = Redactor(KEY).path("/orders;jsessionid=0123456789abcdef0123456789abcdef/x")
    assert made.startswith("/orders;jsessionid=ca5cca5c")
    assert made.endswith("/x")


# ---------------------------------------------------------------- the files that are handed over
def emitted(contracts: Any, identity: str = "") -> dict[str, bytes]:
    more = {"tools": {}, "toolsets": {}, "policy": None} | ({"id": identity} if identity else {})
    made = run(given(contracts, emit=["tools", "skill", "client"], **more))["files"]
    assert isinstance(made, dict)
    return made


LISTED: Final = obj(ids={"type": "array", "items": STRING})


def test_a_tool_that_is_called_like_a_type_leaves_the_client_whole() -> None:
    names = ("list", "dict", "str", "int", "float", "bool", "zebra")
    source = emitted(tuple(contract(f"POST /{name}", operation_id=name, body=LISTED) for name in names))["client.py"].decode()
    methods = class_of(source)
    assert [name for name in methods if name[:1] != "_"] == ["bool_", "dict_", "float_", "int_", "list_", "str_", "zebra"]
    assert "self._call('list', " in source


def class_of(source: str) -> list[str]:
    """Names of the methods of the client's class, once Python has made the class with all its types."""
    node = next(node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == "Tools")
    body = source.partition("class Tools:")[2].partition("@asynccontextmanager")[0]
    space: dict[str, Any] = {}
    head = "from typing import Any, Literal, Mapping, cast\nclass Unset: ...\nclass Client: ...\nclass MCPError(Exception): ...\nUNSET = Unset()\n"
    answers = source.partition("class ToolError")[2].partition("class Tools:")[0].partition("TypedDict(")
    typed = "from typing import TypedDict\n" + (answers[0].rpartition("\n")[2] + "".join(answers[1:]) if answers[1] else "")
    exec(compile(f"{head}{typed}\nclass Tools:{body}", "client.py", "exec"), space)
    return sorted(item.name for item in node.body if isinstance(item, ast.AsyncFunctionDef))


def test_two_tools_have_two_methods_where_one_is_called_like_a_word_of_python() -> None:
    source = emitted((contract("POST /x", operation_id="import"), contract("POST /y", operation_id="import_")))["client.py"].decode()
    tree = ast.parse(source)
    methods = [node.name for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("import")]
    assert len(methods) == len(set(methods)) == 2


@pytest.mark.parametrize("identity", ["2024-01-01", "12", "1e3", "true", "null", "off", "shop-2", "0x1f"])
def test_the_name_of_a_skill_is_a_text_in_yaml(identity: str) -> None:
    front = emitted((contract("GET /x"),), identity)["SKILL.md"].decode().split("---\n")[1]
    assert yaml.safe_load(front)["name"] == identity


def test_no_sign_of_a_title_is_markup_in_the_skill() -> None:
    page = emitted((contract("GET /x", title="~~all~~ &lt;b&gt; orders"),))["SKILL.md"].decode()
    assert r"\~\~all\~\~ \&lt;b\&gt; orders" in page


# ---------------------------------------------------------------- a site that takes its time
@contextmanager
def dripping(answer: bytes) -> Iterator[str]:
    """A site that begins an answer and then sends a sign now and then, for ever."""
    ended = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        line, _ = server.accept()
        with line:
            line.recv(4096)
            line.sendall(answer)
            while not ended.wait(0.05):
                try:
                    line.sendall(b" ")
                except OSError:
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/x"
    ended.set()
    thread.join()
    server.close()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-A:"])
def test_a_site_that_never_ends_its_answer_names_nothing(answer: bytes) -> None:
    with dripping(answer) as url:
        before = time.monotonic()
        assert wellknown.fetched(url, patience=0.4) == b""
        assert time.monotonic() - before < 30  # it would go on for ever
