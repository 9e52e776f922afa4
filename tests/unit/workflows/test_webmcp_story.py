"""`capture webmcp` looks at what it is given before any browser starts, and tells for each link the command that brings it in."""

import shlex
from pathlib import Path

import pytest

from caskmcp.errors import CaskError
from caskmcp.model.discovery import Link
from caskmcp.workflows import webmcp
from caskmcp.workflows.record import Options
from tests.support.world import world


@pytest.mark.parametrize("url", ["shop.example", "file:///etc/passwd", "http://[::1", "http://127.0.0.1:99999/", "http://127.0.0.1:x/"])
def test_only_an_address_of_the_web_is_opened(tmp_path: Path, url: str) -> None:
    with pytest.raises(CaskError) as caught:
        webmcp.run(world(tmp_path), url=url, hosts=(), options=Options(headless=True))
    assert (caught.value.code, caught.value.exit) == ("CASK-I001", 3)
    assert list(tmp_path.iterdir()) == []


def link(kind: str, url: str) -> Link:
    return Link.model_validate({"document": "/.well-known/mcp.json", "kind": kind, "url": url})


def test_a_link_is_told_by_the_command_of_its_kind() -> None:
    told = list(webmcp.commands(link("mcp", "https://shop.example/mcp"), ("shop.example",)))
    assert told == ["/.well-known/mcp.json names an MCP server:", "  cask capture mcp https://shop.example/mcp"]
    assert list(webmcp.commands(link("other", "https://shop.example/"), ("shop.example",))) == []


def test_a_link_to_another_host_says_so() -> None:
    first, _ = webmcp.commands(link("openapi", "https://far.example/openapi.yml"), ("shop.example",))
    assert first == "/.well-known/mcp.json names an OpenAPI document (far.example is not yours: -a far.example says that it is):"


@pytest.mark.parametrize("path", ["$(reboot)", "a;reboot", "a'b&reboot", "-o/etc/passwd", "`reboot`.json"])
def test_no_address_adds_a_word_to_a_command(path: str) -> None:
    url = f"https://shop.example/{path}"
    for kind, words in (("mcp", ["cask", "capture", "mcp", url]), ("openapi", ["curl", "-fsS", "-o", "openapi.json", url, "&&"])):
        (_, command) = webmcp.commands(link(kind, url), ("shop.example",))
        assert shlex.split(command)[: len(words)] == words
