"""What the console answers: a list, a question, and a person's yes or no to the question that was shown.

Promises: a grant signs the row that its page showed, whatever stands in the database since; the passphrase opens the key here and goes nowhere
else; whatever is refused is told on the page with its code. `door` has let the request in before anything here runs.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Final

from caskmcp.errors import CaskError
from caskmcp.govern import keys
from caskmcp.govern.sign import Signer
from caskmcp.ports import World
from caskmcp.runtime.keeper import Challenge, Keeper
from caskmcp.workflows import asked, confirm, person
from caskmcp.workflows.asked import Question
from caskmcp.workflows.console import door, page
from caskmcp.workflows.console.door import COOKIE, Session, Visit
from caskmcp.workflows.console.page import Answer

TITLE: Final = "Calls that wait for a person"
WRONG: Final = "CASK-K002"


class Desk:
    """Answers one request at a time, for one session."""

    def __init__(self, world: World, held: Keeper, of: Session, key: str | None) -> None:
        self._world = world
        self._held = held
        self._key = key
        self._turn = threading.Lock()
        self.session = of
        self.done = {"granted": 0, "denied": 0}

    def over(self) -> bool:
        """Whether the session has ended."""
        return self.session.over(self._world.clock.now())

    def answer(self, visit: Visit) -> Answer:
        """Answer one request."""
        with self._turn:
            if self.over():
                return self._page(403, "Ended", "<p>This console has ended: start it again.</p>")
            no = door.refusal(visit, self.session)
            if no is not None:
                return self._page(no.status, "Refused", f"<p>Refused: {no.name}.</p>")
            self.session.at = self._world.clock.now()
            return self._opened() if door.opens(visit, self.session) else self._in_room(visit)

    def _opened(self) -> Answer:
        of = self.session
        of.opened = True
        self._world.console.note("The page was opened in a browser; the link does not work again.")
        cookie = f"{COOKIE}={of.cookie}; Path=/{of.room}/; HttpOnly; SameSite=Strict"
        return self._page(303, "Opened", "", (("Location", f"/{of.room}/"), ("Set-Cookie", cookie)))

    def _in_room(self, visit: Visit) -> Answer:
        rest = visit.target[len(self.session.room) + 2 :]
        try:
            if visit.method == "POST":
                return self._answered(visit)
            return self._asked(asked.look(self._world, self._waiting(rest))) if rest else self._listed()
        except CaskError as no:
            return self._back(f"{no.code}: {no.what}")

    def _waiting(self, challenge: str) -> Challenge:
        return asked.waiting(self._held, challenge, self._world.clock.now())

    def _back(self, said: str) -> Answer:
        """Back to the list, so that loading the page again answers nothing twice."""
        self.session.said = said
        return self._page(303, TITLE, "", (("Location", f"/{self.session.room}/"),))

    def _listed(self) -> Answer:
        said, self.session.said = self.session.said, ""
        at = self._world.clock.now()
        rows = self._held.waiting(at)
        table = ((row.id, row.binding.tool, row.binding.caller, f"{confirm.age(row, at)} ago") for row in rows)
        return self._page(200, TITLE, page.waiting(table, said))

    def _asked(self, told: Question, said: str = "") -> Answer:
        key, problem = self._signing(told)
        asks = bool(key) and self._file_key(key)
        form = self.session.form(told, self._world.entropy)
        return self._page(200, f"Call {told.row.binding.tool}?", page.question(told, form, key, asks=asks, said=said or problem))

    def _signing(self, told: Question) -> tuple[str, str]:
        """The key that would sign, or why there is none: a person may still deny."""
        try:
            return self._key or confirm.confirmer(self._world, told.pack), ""
        except CaskError as no:
            return "", f"{no.code}: {no.what}"

    def _file_key(self, key: str) -> bool:
        return keys.referred(self._world.files, keys.place(self._world.config, key)) is None

    def _answered(self, visit: Visit) -> Answer:
        told = door.shown(visit, self.session)
        verdict = VERDICTS.get(visit.fields.get("verdict", ""))
        if told is None or verdict is None:
            return self._back("Nothing was answered.")
        # Each form stands twice on its page, and is used up by the first answer.
        self.session.forms = {secret: kept for secret, kept in self.session.forms.items() if kept is not told}
        try:
            said = verdict(self, told, visit)
        except CaskError as no:
            if no.code != WRONG:
                raise
            self.session.wrong += 1
            return self._asked(told, f"{no.code}: {no.what}")
        self._world.console.note(said)
        return self._back(said)

    def _grant(self, told: Question, visit: Visit) -> str:
        # What is approved may have changed since the page was shown; the row is the one that was shown.
        now = asked.look(self._world, told.row)
        by = self._open(self._key or confirm.confirmer(self._world, now.pack), visit.fields.get("passphrase", ""))
        until = confirm.granted(self._world, self._held, now, by)
        self.session.wrong = 0
        self.done["granted"] += 1
        return f"Granted: {told.row.binding.tool} may be called once with these arguments until {until} ({told.row.id})."

    def _deny(self, told: Question, _: Visit) -> str:
        row = confirm.denied(self._held, told.row.id)
        self.done["denied"] += 1
        return f"Denied: {row.binding.tool} ({row.id})."

    def _open(self, name: str, passphrase: str) -> Signer:
        where = keys.refuse_readable(self._world.files, self._world.config, name)
        held = keys.referred(self._world.files, where)
        return person.from_agent(self._world, held) if held else keys.load(self._world.files, self._world.config, name, passphrase)

    def _page(self, status: int, title: str, body: str, more: tuple[tuple[str, str], ...] = ()) -> Answer:
        nonce = self._world.entropy.token(door.SECRET).hex()
        return Answer(status, page.whole(title, body, nonce), (*page.headers(nonce), *more))


VERDICTS: Final[Mapping[str, Callable[[Desk, Question, Visit], str]]] = {"grant": Desk._grant, "deny": Desk._deny}
