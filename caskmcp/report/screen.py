"""A review on the whole screen: the list of what waits on one side, one subject with its changes and evidence on the other.

It shows a `Board` and tells it what the person says; what an answer means is decided behind the board, and nothing is signed here. Promises
that a text of a tool is a text: no markup is read in it and each character that nobody sees is shown. For the `tui` extra (Textual), which is
imported when a screen is wanted; whether one fits is the console's question.
"""

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from textual import events
from textual.app import App, ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from caskmcp.errors import CaskError
from caskmcp.ports import Board, Sheet
from caskmcp.report.visible import visible

Verdict = Literal["allow", "block", "skip"]
REASONED: Final[tuple[Verdict, ...]] = ("allow", "block")
"""What a reason belongs to."""


class Key(NamedTuple):
    """One key."""

    key: str
    """As Textual names it."""
    typed: str
    """As people do; empty for a second key for the same."""
    do: Callable[["ReviewScreen"], None]
    word: str
    """For the line of keys; empty where that has no room for it."""
    says: str


# fmt: off
KEYS: Final = (
    Key("a",             "a",      lambda screen: screen.decide("allow"), "allow",  "allow it; from tier high this asks for a reason"),
    Key("b",             "b",      lambda screen: screen.decide("block"), "block",  "block it; asks for a reason, which may be empty"),
    Key("s",             "s",      lambda screen: screen.decide("skip"),  "skip",   "leave it as it is"),
    Key("r",             "r",      lambda screen: screen.mend_reason(),   "reason", "give another reason for what was decided"),
    Key("slash",         "/",      lambda screen: screen.filter(),        "filter", "list what has these words in name, tier or status"),
    Key("enter",         "Enter",  lambda screen: screen.finish(),        "sign",   "leave; what was decided is blocked and signed, with the prompts of `gate allow`"),
    Key("q",             "q",      lambda screen: screen.leave(),         "quit",   "leave; what was decided counts only with Enter"),
    Key("question_mark", "?",      lambda screen: screen.explain(),       "help",   "this"),
    Key("j",             "j Down", lambda screen: screen.move(1),         "",       "the next one"),
    Key("k",             "k Up",   lambda screen: screen.move(-1),        "",       "the one before"),
    Key("down",          "",       lambda screen: screen.move(1),         "",       ""),
    Key("up",            "",       lambda screen: screen.move(-1),        "",       ""),
    Key("pagedown",      "PgDn",   lambda screen: screen.turn(1),         "",       "further down in what is shown of it (Space too)"),
    Key("pageup",        "PgUp",   lambda screen: screen.turn(-1),        "",       "further up"),
    Key("space",         "",       lambda screen: screen.turn(1),         "",       ""),
    Key("ctrl+c",        "Ctrl-C", lambda screen: screen.break_off(),     "",       "leave at once; nothing was decided"),
    Key("ctrl+z",        "Ctrl-Z", lambda screen: screen.action_suspend_process(), "", "stop for a while, as any program"),
)
# A tier is told by its word; its colour only repeats it.
COLOURS: Final = {
    "safe": "green", "low": "green", "medium": "yellow", "high": "red bold", "critical": "white on red bold", "": "cyan",
}
# fmt: on
LONGEST: Final = 4_000
"""Characters of one line of a sheet: drawing a text of any length would take any time."""
NAME: Final = 60
"""Characters of a name in the list."""
MARKS: Final = {"allow": "+", "block": "x", "skip": "-", "": " "}
LEAVING: Final = "press Enter to do that, q to drop it and leave, any other key to go on"


class Question(NamedTuple):
    """What the line at the bottom asks for."""

    kind: Literal["filter", "reason"]
    subject: str = ""
    verdict: Verdict = "allow"

    @property
    def prompt(self) -> str:
        """What stands before the answer."""
        return "words of name, tier or status:" if self.kind == "filter" else f"reason to {self.verdict} it:"


def inert(text: str, most: int = LONGEST) -> str:
    """The text on one line with every character shown; of one that is longer than `most`, how much more there is. `Content` reads no markup in it."""
    left = len(text) - most
    return visible(text[:most].replace("\n", " ").replace("\t", " ")) + (f"… ({left} more characters)" if left > 0 else "")


def row(sheet: Sheet, verdict: str) -> Content:
    """One line of the list: what was decided, the tier as a coloured word, the name, the status."""
    return Content.assemble(
        f"{MARKS[verdict]} ",
        (f"{inert(sheet.risk or 'shared'):<8}", COLOURS.get(sheet.risk, "")),
        f" {inert(sheet.name, NAME)}",
        (f" {inert(sheet.status, NAME)}", "dim"),
    )


def page(sheet: Sheet, verdict: str, reason: str) -> Content:
    """All of one subject."""
    said = f"{verdict}{f': {inert(reason)}' if reason else ''}" if verdict else "nothing is decided"
    head: list[str | tuple[str, str]] = [
        (f"{inert(sheet.name)}", "bold"),
        "  ",
        (inert(sheet.risk or "shared"), COLOURS.get(sheet.risk, "")),
        f"  {inert(sheet.status)}: {inert(sheet.why)}\n",
        *((f"cannot be allowed here: {inert(sheet.barred)}\n",) if sheet.barred else ()),
        (f"{said}\n", "bold"),
    ]
    for title, lines in sheet.sections:
        head.append((f"\n{inert(title)}\n", "underline"))
        head.extend(f"{inert(line)}\n" for line in lines)
    return Content.assemble(*head)


class ReviewScreen(App[str]):
    """The screen. Its result is `kept`, `dropped` or `interrupted`, and nothing where it broke."""

    ENABLE_COMMAND_PALETTE = False
    TITLE = "cask gate review"
    CSS = """
    #head { height: 1; text-style: reverse; }
    #keys { height: auto; max-height: 2; text-style: reverse; }
    #told { height: auto; max-height: 3; text-style: bold; }
    #list { width: 40%; max-width: 60; height: 1fr; border: none; }
    #page { width: 1fr; height: 1fr; padding: 0 1; }
    #line { height: auto; max-height: 3; }
    """

    def __init__(self, board: Board) -> None:
        super().__init__()
        self.board = board
        self.subject = ""
        """Which one is shown; the list's own mark only follows it."""
        self.words = ""
        """What the list is filtered by."""
        self.question: Question | None = None
        self.typed = ""
        """The answer so far."""
        self.leaving = False
        """Whether the next `q` drops what was decided."""
        self.explaining = False
        self.left = False

    def compose(self) -> ComposeResult:
        """Head, list and page, what is told, the line that asks, the keys."""
        yield Static(id="head", markup=False)
        with Horizontal():
            yield OptionList(id="list", markup=False)
            with VerticalScroll(id="page", can_focus=False):
                yield Static(id="sheet", markup=False)
        yield Static(id="told", markup=False)
        yield Static(id="line", markup=False)
        yield Static(Content("  ".join(f"{key.typed} {key.word}" for key in KEYS if key.word)), id="keys", markup=False)

    def on_mount(self) -> None:
        """Begin with the first one."""
        self.query_one("#line").display = False
        self._list(self.board.sheets[0].subject)

    async def on_event(self, event: events.Event) -> None:
        """Take keys here, one after the other, and hand none on.

        Widgets take theirs from queues of their own: of keys that come fast, or are pasted, a letter of a reason could then be taken for an order,
        and an order for the subject before.
        """
        if isinstance(event, events.Key):
            self._key(event)
        elif isinstance(event, events.Paste):
            self._type(self.typed + inert(event.text.strip()))
        else:
            await super().on_event(event)

    # ------------------------------------------------------------ keys
    def decide(self, verdict: Verdict) -> None:
        """Say something of the one that is shown, after its reason where one is needed."""
        sheet = self._current()
        if sheet is None:
            return
        question = Question("reason", sheet.subject, verdict)
        if verdict == "block" or (verdict == "allow" and sheet.needs_reason and not sheet.barred):
            self._ask(question)
        else:
            self._decide(question, "")

    def mend_reason(self) -> None:
        """Give another reason for what was decided."""
        sheet = self._current()
        said = self.board.said(sheet.subject)[0] if sheet else ""
        verdict = next((each for each in REASONED if each == said), None)
        if sheet is None or verdict is None:
            self._tell("allow or block it first")
        else:
            self._ask(Question("reason", sheet.subject, verdict))

    def filter(self) -> None:
        """Ask for the words that the list is filtered by."""
        self._ask(Question("filter"))

    def finish(self) -> None:
        """Leave, and let what was decided count."""
        if not any(self.board.said(sheet.subject)[0] for sheet in self.board.sheets):
            self._tell("nothing is decided yet; q leaves")
            return
        self.board.end(keep=True)
        self._leave("kept")

    def leave(self) -> None:
        """Leave; where something would be lost, only when asked twice."""
        allowed, blocked = self._count("allow"), self._count("block")
        if (allowed or blocked) and not self.leaving:
            self._tell(f"{allowed} to sign, {blocked} to block: {LEAVING}")
            self.leaving = True
            return
        self.board.end(keep=False)
        self._leave("dropped")

    def break_off(self) -> None:
        """Leave at once, and let nothing count."""
        self.board.end(keep=False)
        self._leave("interrupted")

    def explain(self) -> None:
        """Show the keys in the place of the sheet, until the next key."""
        self.explaining = True
        self.query_one("#sheet", Static).update(Content("\n".join(f"{key.typed:<8} {key.says}" for key in KEYS if key.typed)))

    def move(self, by: int) -> None:
        """Go to another one."""
        subjects = [sheet.subject for sheet in self._listed()]
        if self.subject in subjects:
            at = (subjects.index(self.subject) + by) % len(subjects)
            self.subject = subjects[at]
            self.query_one(OptionList).highlighted = at
            self._page()

    def turn(self, by: int) -> None:
        """Show more of this one."""
        shown = self.query_one("#page", VerticalScroll)
        shown.scroll_relative(y=by * max(1, shown.size.height - 1), animate=False, immediate=True)

    # ------------------------------------------------------------ what is typed
    def _key(self, event: events.Key) -> None:
        if self.left:
            return  # what was typed ahead is for nobody
        if self.question is not None and event.key != "ctrl+c":
            self._answer(self.question, event)
        elif self.explaining:
            self.explaining = False
            self._page()
        elif (found := next((key for key in KEYS if key.key == event.key), None)) is not None:
            if event.key != "q":
                self._tell("")
            found.do(self)

    def _answer(self, question: Question, event: events.Key) -> None:
        """A key of the line that is asked for: Enter ends it, Escape drops it, Ctrl-U and Backspace mend it."""
        if event.key == "enter":
            self._end(question)
        elif event.key == "escape":
            self._type("")
            self._hide()
        elif event.key == "ctrl+u":
            self._type("")
        elif event.key == "backspace":
            self._type(self.typed[:-1])
        elif event.is_printable and event.character:
            self._type(self.typed + event.character)

    def _type(self, text: str) -> None:
        """Take a text as the answer so far; nothing where nothing is asked. The list follows a filter."""
        if self.question is None:
            return
        self.typed = text
        self.query_one("#line", Static).update(Content(f"{self.question.prompt} {text}_"))
        if self.question.kind == "filter":
            self.words = text
            self._list(self.subject)

    def _ask(self, question: Question) -> None:
        self.question = question
        self.query_one("#line").display = True
        self._type(self.words if question.kind == "filter" else self.board.said(question.subject)[1])

    def _end(self, question: Question) -> None:
        self._hide()
        if question.kind == "reason":
            self._decide(question, self.typed)

    def _hide(self) -> None:
        self.question = None
        self.query_one("#line").display = False

    # ------------------------------------------------------------ inside
    def _decide(self, question: Question, reason: str) -> None:
        try:
            self.board.decide(question.subject, question.verdict, reason)
        except CaskError as cause:
            self._tell(cause.what)
            return
        self._list(self._after(question.subject))
        if all(self.board.said(sheet.subject)[0] for sheet in self.board.sheets):
            self._tell(f"all are decided: {self._count('allow')} to sign, {self._count('block')} to block; press Enter")

    def _after(self, subject: str) -> str:
        """The next one that nothing was said of; the same one if there is none."""
        listed = [sheet.subject for sheet in self._listed()]
        at = listed.index(subject) if subject in listed else 0
        return next((each for each in (*listed[at:], *listed[:at]) if not self.board.said(each)[0]), subject)

    def _listed(self) -> list[Sheet]:
        words = self.words.lower().split()
        named = ((sheet, f"{sheet.name} {sheet.risk or 'shared'} {sheet.status}".lower()) for sheet in self.board.sheets)
        return [sheet for sheet, name in named if all(word in name for word in words)]

    def _list(self, subject: str) -> None:
        """Fill the list anew and go to a subject, or to the first one if it is not listed."""
        sheets, listed = self._listed(), self.query_one(OptionList)
        at = next((at for at, sheet in enumerate(sheets) if sheet.subject == subject), 0)
        self.subject = sheets[at].subject if sheets else ""
        listed.clear_options()
        listed.add_options([Option(row(sheet, self.board.said(sheet.subject)[0])) for sheet in sheets])
        listed.highlighted = at if sheets else None
        self._page()

    def _page(self) -> None:
        sheet = self._current()
        text = page(sheet, *self.board.said(sheet.subject)) if sheet else Content("nothing that waits has these words")
        self.query_one("#sheet", Static).update(text)
        self.query_one("#page", VerticalScroll).scroll_home(animate=False, immediate=True)
        head = f"cask gate review: {len(self.board.sheets)} wait, {self._count('allow')} to sign, {self._count('block')} to block"
        self.query_one("#head", Static).update(Content(head))

    def _current(self) -> Sheet | None:
        """The one that is shown; None where the filter leaves none."""
        return next((sheet for sheet in self._listed() if sheet.subject == self.subject), None)

    def _count(self, verdict: str) -> int:
        return sum(self.board.said(sheet.subject)[0] == verdict for sheet in self.board.sheets)

    def _leave(self, how: str) -> None:
        self.left = True
        self.exit(how)

    def _tell(self, text: str) -> None:
        self.leaving = False
        self.query_one("#told", Static).update(Content(inert(text)))

    def _fatal_error(self) -> None:
        """Close without Textual's own traceback, which prints the values of all variables: `show` raises the error, and `cask` words it."""
        self._close_messages_no_wait()


def show(board: Board) -> None:
    """Show the review until the person leaves it. Raises KeyboardInterrupt for Ctrl-C, and what broke the screen."""
    screen = ReviewScreen(board)
    how = screen.run(mouse=False)
    if screen._exception is not None:
        raise screen._exception
    if how not in ("kept", "dropped"):
        raise KeyboardInterrupt
