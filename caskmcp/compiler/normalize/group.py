"""One operation as the merge knows it: its rows, what documents declare of it, and the segments of its template with domain names."""

from collections.abc import Sequence
from typing import Any

from caskmcp.compiler.normalize import names, total
from caskmcp.compiler.normalize.locales import is_language
from caskmcp.compiler.normalize.operations import Path, Slot
from caskmcp.compiler.normalize.tokens import LOCALE, class_name, is_class
from caskmcp.compiler.normalize.tree import UNANSWERED

Plain = dict[str, Any]


class Operation:
    """Rows and documents of one method and structure at one origin. Mutable while the merge collects."""

    def __init__(self, host: str, port: int, method: str) -> None:
        self.host, self.port, self.method = host, port, method
        self.rows: list[Plain] = []
        self.owners: list[str] = []
        """Part id of each row."""
        self.stated: list[Plain] = []
        """Rows of requests that nobody answered."""
        self.staters: list[str] = []
        """Part id of each stated row."""
        self.declared: list[Plain] = []
        self.declarers: list[str] = []
        """Part id of each declared operation."""
        self.call: Plain | None = None
        """What its requests ask a shared endpoint for."""
        self.mark = ""
        """What tells it from another call of its name; empty if there is none."""
        self.path: Path = ()
        self.wire: tuple[tuple[str, ...], ...] = ()
        """Pieces as a document names them, segment by segment; empty if no document does."""

    def add(self, row: Plain, owner: str) -> None:
        """Take a part's row in. One that nobody answered says what there is, and counts nowhere."""
        is_stated = UNANSWERED in row["statuses"]
        (self.stated if is_stated else self.rows).append(row)
        (self.staters if is_stated else self.owners).append(owner)

    def segments(self) -> list[Plain]:
        """As `model.observation.Segment`, with domain names that are unique in the path."""
        found = [self._pieces(index, slot) for index, slot in enumerate(self.path)]
        given = names.unique(piece["name"] for pieces in found for piece in pieces if "name" in piece)
        fresh = iter(given)
        return [{"pieces": [piece | {"name": next(fresh)} if "name" in piece else piece for piece in pieces]} for pieces in found]

    def _pieces(self, index: int, slot: Slot) -> list[Plain]:
        if slot.literal is not None:
            return [{"text": slot.literal} if slot.literal else {}]
        facts = self._facts(index)
        wire = [piece[1:-1] for piece in self.wire[index] if piece.startswith("{")] if self.wire else []
        if not slot.pieces:
            return [self._parameter(index, wire[0] if wire else "", facts)]
        own = [piece[1:-1] for piece in slot.pieces if piece.startswith("{")]
        by_name = dict(zip(own, wire, strict=False)) if len(own) == len(wire) else {}
        alone = len(own) == 1
        return [
            {"name": piece[1:-1]} | (facts if alone else {}) | ({"wire": by_name[piece[1:-1]]} if piece[1:-1] in by_name else {})
            if piece.startswith("{")
            else {"text": piece}
            for piece in slot.pieces
        ]

    def _parameter(self, index: int, wire: str, facts: Plain) -> Plain:
        before = [slot.literal or "" for slot in self.path[:index] if slot.literal]
        classes = facts.get("classes", {})
        first = all(slot.literal is not None for slot in self.path[:index]) and any(slot.literal for slot in self.path[index + 1 :])
        own = wire or self._called(index)
        name = names.declared(own, before, classes) if own else names.parameter(before, classes, first=first)
        return {"name": name} | facts | ({"wire": wire} if wire else {})

    def _called(self, index: int) -> str:
        """What collections call the parameter at a segment: those whose requests were answered, else the others."""
        found = [row["named"][str(index)] for row in self.rows or self.stated if str(index) in row.get("named", {})]
        return min(found, default="")

    def _facts(self, index: int) -> Plain:
        """Classes of the values at a segment, and their values if all are locales."""
        labels: dict[str, int] = {}
        rows = self.rows or self.stated
        for row in rows:
            label = row["segments"][index]
            labels[label] = labels.get(label, 0) + row["count"]
        if not labels:
            return {}
        if any(label == LOCALE or is_language(label) for label in labels) and all(
            label == LOCALE or is_language(label) for label in labels
        ):
            values = {label: count for label, count in labels.items() if label != LOCALE}
            for row in rows:
                for value, count in row.get("values", {}).get(str(index), {}).items():
                    values[value] = values.get(value, 0) + count
            return {"classes": {"locale": sum(labels.values())}, "values": values}
        classes: dict[str, int] = {}
        for label, count in labels.items():
            classes[class_name(label)] = classes.get(class_name(label), 0) + count
        return {"classes": classes}

    def plain(self, segments: Sequence[Plain]) -> Plain:
        """As `model.observation.Group`."""
        schemes = {item["scheme"] for item in [*self.rows, *self.stated, *self.declared]}
        scheme = "https" if "https" in schemes else min(schemes)
        head = {"scheme": scheme, "host": self.host, "method": self.method} | ({"port": self.port} if self.port else {})
        kinds = ["collection"] * bool(self.stated) + ["spec"] * bool(self.declared) + ["traffic"] * bool(self.rows)
        out: Plain = head | {"id": self.id(segments), "segments": list(segments), "parts": kinds}
        if self.rows:
            out["row"] = total.row(self.rows, head | {"segments": texts(segments)})
        if self.stated:
            out["stated"] = total.row(self.stated, head | {"segments": texts(segments)})
        out |= {"call": self.call} if self.call else {}
        return out | ({"declared": self.declared} if self.declared else {})

    def id(self, segments: Sequence[Plain]) -> str:
        """`METHOD host[:port]/template`, of a call with `#name` behind it."""
        call = f"#{self.call['name']}{self.mark}" if self.call else ""
        return f"{self.method} {self.host}{f':{self.port}' if self.port else ''}/{'/'.join(texts(segments))}{call}"

    def single(self, segments: Sequence[Plain]) -> dict[str, int]:
        """Names of parameters that had one and the same token in all exchanges, three or more -> exchanges."""
        count = sum(row["count"] for row in self.rows)
        found: dict[str, int] = {}
        for index, segment in enumerate(segments):
            parameters = [piece["name"] for piece in segment["pieces"] if "name" in piece]
            if len(parameters) == 1 and count >= 3 and self._is_single(index):
                found[parameters[0]] = count
        return found

    def _is_single(self, index: int) -> bool:
        labels = {row["segments"][index] for row in self.rows}
        if len(labels) != 1 or not all(is_class(label) for label in labels):
            return False
        known = {digest for row in self.rows for digest in row.get("tokens", {}).get(str(index), ())}
        return all(index in row.get("single", ()) for row in self.rows) and len(known) < 2


def texts(segments: Sequence[Plain]) -> list[str]:
    """The text of each segment of a template, parameters in braces."""
    return [
        "".join(f"{{{piece['name']}}}" if "name" in piece else piece.get("text", "") for piece in segment["pieces"]) for segment in segments
    ]
