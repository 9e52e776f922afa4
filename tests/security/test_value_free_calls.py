"""What a person typed into a GraphQL text, a variable or a call of a method is in nothing that leaves the machine."""

import json
import re
from typing import Any

import pytest

from caskmcp.model.exchange import Exchange
from tests.security.test_value_free import FIGURES, NAMES, PHONE, PIN, SALARY, is_in
from tests.support.traffic import everything, exchange, parts

HASH = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38"


def posted(path: str, body: Any, answer: Any) -> Exchange:
    return exchange(f"POST {path} 200 {json.dumps(answer)}", body=body)


def planted(name: str) -> list[Exchange]:
    """One of each place that a GraphQL request or a call has."""
    word = re.sub(r"[^A-Za-z0-9]", "", name)
    data = {"data": {"customer": {"id": 1, "note": name, "pin": PIN, "balances": {name: SALARY}}}}
    text = json.dumps(name)
    variables = {"id": name, "note": {"text": name, "pin": PIN}, "balances": {name: SALARY}, "phone": PHONE}
    texts = [
        f"query Find {{ customer(note: {text}) {{ id }} }}",
        f"query Find($note: String = {text}) {{ customer(note: $note) {{ id }} }}",
        f"query Find {{ customer(where: {{note: [{text}]}}, pin: {PIN}) {{ id }} }}",
        f"query Find {{ customer(pin: {PIN}) {{ id }} }}",
        f"query Find {{ customer(salary: {SALARY}.5) {{ id }} }}",
        f"query Find {{ customer @note(text: {text}) {{ id }} }}",
        f"query {word} {{ customer {{ id }} }}",
        f"query Find {{ {word}: customer {{ id }} }}",
        f"query Find {{ user_{word}: customer {{ id }} }}",
        f"query Find {{ c{PIN}: customer {{ id }} }}",
        f"query Find(${word}: ID) {{ customer(id: ${word}) {{ id }} }}",
        f"query Find {{ ...{word} }} fragment {word} on Query {{ customer {{ id }} }}",
        f"# {word}\nquery Find($id: ID, $note: NoteInput) {{ customer(id: $id, note: $note) {{ id }} }}",
        f"query Find {{ {word} {{ id",
    ]
    found = [posted("/graphql", {"query": one, "variables": variables}, data) for one in texts]
    found += [posted("/graphql", [{"query": one, "variables": variables}], [data]) for one in texts]
    found += [posted("/graphql", {"query": f"query Find {{ {word} {{ id }} }}"}, {"errors": [{"message": name}]})]
    found += [
        posted("/graphql", {"operationName": word, "extensions": {"persistedQuery": {"sha256Hash": HASH}}, "variables": variables}, data)
    ]
    result = {"jsonrpc": "2.0", "id": PIN, "result": {name: SALARY, "note": name}}
    found += [posted("/rpc", {"jsonrpc": "2.0", "id": PIN, "method": method, "params": params}, result)
              for method in (name, word, f"{word}.{word}", f"customers.{PIN}", "customers.find") for params in ([name, PIN, PHONE], variables)]  # fmt: skip
    found += [
        posted("/api", {"action": action, field: name}, {"ok": True})
        for action in (name, word, "list_orders")
        for field in ("note", "text")
    ]
    return [*found, exchange("GET /orders/1 200 {id: 1}")]


@pytest.mark.parametrize("times", [1, 3, 25])
@pytest.mark.parametrize("name", NAMES)
def test_a_planted_name_and_planted_figures_are_in_no_output_of_calls(name: str, times: int) -> None:
    output = everything(parts(planted(name) * times))
    word = re.sub(r"[^A-Za-z0-9]", "", name)
    assert [secret for secret in (name, word, *FIGURES) if is_in(secret, output)] == []
    assert b"customers.find" in output
    assert b"query Find($id: ID, $note: NoteInput)" in output
