"""A capture as a baseline's operations see it: redacted, counted and grouped by the stages of the build, in memory, under the known templates.

The templates of the baseline stand beside what the capture shows, like a document that says nothing but paths: so a short recording falls into
the same operations as a long one, and one that only ever fails is not forgotten. Nothing of it reaches an artifact; nothing is written.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from caskmcp import canon
from caskmcp.compiler.capture.codec import decode_whole
from caskmcp.compiler.capture.routes import trusted
from caskmcp.compiler.normalize import merge, templates
from caskmcp.compiler.normalize.stage import Account
from caskmcp.errors import CaskError
from caskmcp.model.observation import Group
from caskmcp.workflows.intake import Taken

KNOWN: Final = "known"
"""What stands for the baseline where parts are merged."""
ANY_SCHEME: Final = "unknown"
"""The scheme of a template that nobody called; sorted behind `http`, so that it never hides how calls were made."""


def groups(taken: Taken, known: Iterable[Group], paths: Iterable[str] = ()) -> dict[str, Group]:
    """Operation id -> what the capture shows of it, of those that it called or declares. paths: the templates that the manifest insists on."""
    stated = [declared(group) for group in known]
    account = Account(_named(taken.head, stated, tuple(paths)))
    account.read(decode_whole(taken.exchanges.blocks()))
    parts: dict[str, Any] = {"capture": account.plain(), KNOWN: {"kind": "spec", "declared": stated}}
    merged, _ = merge.merge(parts, [templates.parse(path) for path in paths])
    found = ({**json.loads(data), "id": name} for name, data in merged.items())
    bare = (_without(group, stated) for group in found)
    return {group["id"]: Group.model_validate_json(canon.compact(group)) for group in bare if {"row", "declared", "stated"} & group.keys()}


def declared(group: Group) -> dict[str, Any]:
    """An operation's path as a document would state it, and nothing else of it."""
    path = "/" + "/".join(
        "".join(f"{{{piece.name}}}" if piece.name else quote(piece.text, safe="~!$&'()*+,;=:@") for piece in segment.pieces)
        for segment in group.segments
    )
    head = {"method": group.method, "scheme": ANY_SCHEME, "host": group.host, "port": group.port, "path": path}
    return head | ({"call": group.call.plain()} if group.call else {})


def _named(head: Mapping[str, Any], stated: Iterable[Mapping[str, Any]], paths: tuple[str, ...]) -> tuple[str, ...]:
    """Templates whose literals are kept, as the stage `vocabulary` finds them, and the known ones."""
    routed = trusted((host, route) for host, route in head.get("routes", ()))
    found = {*head.get("templates", ()), *routed, *paths, *(str(item["path"]) for item in stated)}
    return tuple(sorted(path for path in found if _is_template(path)))


def _is_template(path: str) -> bool:
    try:
        templates.parse(path)
    except CaskError:
        return False  # a literal with a brace in it: the path is found by its structure all the same
    return True


def _without(group: dict[str, Any], stated: list[dict[str, Any]]) -> dict[str, Any]:
    """The group without what only says that the baseline knows its path."""
    rest = [item for item in group.pop("declared", ()) if item not in stated]
    return group | ({"declared": rest} if rest else {})
