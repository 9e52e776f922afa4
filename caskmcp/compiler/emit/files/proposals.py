"""A site's offers as `coverage.json` shows them: the words escaped and bounded, nothing of what gives orders, schemas as every client reads them."""

from typing import Final

from caskmcp.compiler.emit.hygiene import clean, visible
from caskmcp.compiler.emit.portable import Portable
from caskmcp.model.artifact import Proposal
from caskmcp.model.record import JsonSchema

NAME: Final = 128
TITLE: Final = 80
SAYS: Final = 300
URL: Final = 2000


def shown(offer: Proposal) -> Proposal:
    """An offer, given in the site's words, fit to be read."""
    title, says = clean(offer.title, TITLE), clean(offer.description, SAYS)
    schema, left_out = _schema(offer.input_schema)
    dropped = {f"a text of the site was dropped ({row.dropped})" for row in (title, says) if row.dropped}
    return offer.model_copy(
        update={
            "name": visible(offer.name)[:NAME],
            "title": title.text,
            "description": says.text,
            "input_schema": schema,
            "url": visible(offer.url)[:URL],
            "notes": tuple(sorted(dropped | left_out)),
        }
    )


def _schema(given: JsonSchema) -> tuple[JsonSchema, set[str]]:
    """The schema of what a tool takes, and what was left out of it."""
    if not given:
        return {}, set()
    portable = Portable()
    made = portable.convert(given) or {}
    notes = {f"left out of the input schema: {note}" for note in portable.notes}
    return made | ({"$defs": dict(sorted(portable.definitions.items()))} if portable.definitions else {}), notes
