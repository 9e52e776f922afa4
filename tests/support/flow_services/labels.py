"""What is true of the services: edges from an answer's field to an argument, as the files of `tests/cases/flows` label them."""

from pathlib import Path
from typing import NamedTuple

import yaml

CASES = Path(__file__).parents[2] / "cases" / "flows"


class Place(NamedTuple):
    """A place of an operation: `GET`, `/v1/users/{}`, `/users/*/id` or `path 1`, `query cursor`, `body /user_id`."""

    method: str
    template: str
    place: str


def types(service: str) -> dict[str, tuple[list[Place], list[Place]]]:
    """Type -> (answers that give a value of it, arguments that take one)."""
    found = yaml.safe_load((CASES / f"{service}.yaml").read_text(encoding="utf-8"))["types"]
    return {name: ([_place(text) for text in row["answers"]], [_place(text) for text in row["arguments"]]) for name, row in found.items()}


def edges(service: str) -> set[tuple[Place, Place]]:
    """Each answer of a type with each argument of it."""
    return {(answer, argument) for answers, arguments in types(service).values() for answer in answers for argument in arguments}


def _place(text: str) -> Place:
    method, template, place = text.split(" ", 2)
    return Place(method, template, place)
