"""What can go wrong, as records: a stable code, what, where, and the one command that mends it.

The table `CODES` is literal and is the source of `docs/reference/errors`. This module leaves two things to others: `cli/main.py`
alone turns an error into an exit status, and whoever raises an error words it for its reader (what is wrong, never a stack trace).
"""

from enum import IntEnum
from typing import Final, NamedTuple


class Exit(IntEnum):
    """Exit statuses of every command (SPEC section 4)."""

    CLEAN = 0
    REVIEW = 1
    BREAKING = 2
    INPUT = 3
    REFUSED = 4
    WORLD = 5
    BUG = 70


class Code(NamedTuple):
    """One row of the table of errors."""

    code: str
    """Stable name, `CASK-<area><number>`; never reused for another meaning."""
    exit: Exit
    title: str
    """What this kind of error is, in one line; the heading of its page."""
    why: str
    """Why it is an error, and what usually causes it; the body of its page."""


# fmt: off
_ROWS: Final = (
    # I: the user's manifest, files and command line
    Code("CASK-I001", Exit.INPUT,   "The command line is not understood", "An option, argument or command does not exist or lacks its value."),
    Code("CASK-I002", Exit.INPUT,   "A file cannot be found", "The path that was given, or that the manifest names, does not exist."),
    Code("CASK-I003", Exit.INPUT,   "A YAML or JSON document cannot be read", "Syntax, a duplicate key, an alias, a tag, or a depth or size beyond the limits."),
    Code("CASK-I004", Exit.INPUT,   "A document has an unknown key or a wrong value", "Manifests and artifacts are strict: an unknown key is an error, never ignored."),
    Code("CASK-I005", Exit.INPUT,   "A path leaves the project", "Every path of the manifest lies inside the project; links and `..` out of it are refused."),
    Code("CASK-I006", Exit.INPUT,   "There is no project here", "No cask.yaml was found in this directory or above it."),
    Code("CASK-I007", Exit.INPUT,   "More than one toolpack fits", "The root holds several toolpacks and the command did not say which."),
    Code("CASK-I008", Exit.INPUT,   "A file has an unknown schema or version", "The file was written by another version of the program, or is no file of ours."),
    Code("CASK-I009", Exit.INPUT,   "A name is not allowed", "Names and ids are made of lower-case letters, digits and dashes."),
    Code("CASK-I010", Exit.INPUT,   "Nothing here is called that", "The tool, toolset, environment, key or toolpack that was named does not exist."),
    Code("CASK-I011", Exit.INPUT,   "There is no toolpack yet", "The command needs a built toolpack, and none was found under the root."),
    Code("CASK-I012", Exit.INPUT,   "The option is gone", "An option of earlier versions that no longer exists, with the reason."),
    # C: capture, the border where traffic comes in
    Code("CASK-C001", Exit.INPUT,   "A recording cannot be read", "The file is empty, cut off, not UTF-8, or not of the format that its source line says."),
    Code("CASK-C002", Exit.INPUT,   "A specification cannot be read", "The document is not a supported OpenAPI version, or a reference in it does not resolve."),
    Code("CASK-C003", Exit.INPUT,   "Nothing was kept", "No entry of the recording belongs to a first-party host."),
    Code("CASK-C004", Exit.INPUT,   "A source matches no file", "A path or pattern under `sources:` matches no file, and no committed observations stand in for it."),
    Code("CASK-C005", Exit.INPUT,   "A recording is larger than the limits", "An entry, a body or the nesting is beyond what a build reads."),
    Code("CASK-C010", Exit.INPUT,   "Git's index cannot be read", "What git tracks is not known: the index is damaged, split, or of another version."),
    Code("CASK-C011", Exit.REVIEW,  "A raw recording is in git", "Recordings hold credentials and what people typed; whoever clones the repository gets them."),
    Code("CASK-C020", Exit.WORLD,   "A recorder does not begin", "The program that records is of an unknown version, ends at once, may not be used, or its port is taken."),
    Code("CASK-C030", Exit.INPUT,   "The session is not logged in any more", "A storage state was loaded, but the site refused its calls or asked for a login: nothing of what was seen is kept."),
    Code("CASK-C031", Exit.INPUT,   "The script failed", "The script that drives the browser raised an error, or has no function `run(page)`; nothing of what was seen is kept."),
    Code("CASK-C032", Exit.INPUT,   "A session may not lie there", "Whoever has a browser's storage state is logged in: it lies neither under the root nor in a toolpack, which are handed over."),
    Code("CASK-C040", Exit.REFUSED, "A planted value is left", "The proof of redaction found a canary, or a credential of the recording, in a byte that was written."),
    # N: normalize, infer, classify, emit
    Code("CASK-N001", Exit.INPUT,   "There is nothing to compile", "No source and no committed observation gives an operation."),
    Code("CASK-N002", Exit.INPUT,   "A path template is not allowed", "A template under `paths:` has an unknown form."),
    Code("CASK-N003", Exit.INPUT,   "Two things want the same name", "A rename or an operation id gives two tools one name."),
    Code("CASK-N004", Exit.INPUT,   "A budget is exceeded", "The surface is larger than `tools.budget` allows."),
    Code("CASK-N005", Exit.INPUT,   "A composite cannot be made", "A step names a tool that is none or is a composite, or an argument would get what it cannot take."),
    # B: the build engine
    Code("CASK-B001", Exit.BUG,     "A stage failed", "A stage of the pipeline raised an error that is not the user's."),
    Code("CASK-B002", Exit.BUG,     "A stage is not pure", "A stage gave other bytes for the same inputs and toolchain."),
    Code("CASK-B003", Exit.WORLD,   "Another build holds the lock", "A build of this root is running and did not end in time."),
    Code("CASK-B004", Exit.REVIEW,  "An output is stale", "`--locked` was given, and the build would change something."),
    Code("CASK-B005", Exit.WORLD,   "A cluster cannot be used", "No scheduler answers, it has no worker, or a worker runs another toolchain."),
    # L: lock, statements and the approved content
    Code("CASK-L001", Exit.REFUSED, "The lock cannot be read", "The lock is damaged, has a duplicate key, or is of an unknown form."),
    Code("CASK-L002", Exit.REFUSED, "An artifact cannot be read", "An artifact that is served is missing, damaged or of an unknown form."),
    Code("CASK-L003", Exit.REVIEW,  "A tool waits for approval", "No valid statement approves the tool's present content."),
    Code("CASK-L004", Exit.REFUSED, "A statement is not valid", "The signature, key, threshold, expiry or sequence of a statement does not hold."),
    Code("CASK-L005", Exit.BREAKING,"The surface is broader than approved", "The build allows something that no approved content allows."),
    Code("CASK-L006", Exit.REFUSED, "The artifacts do not come from these inputs", "Deriving the artifacts again gives other bytes than the files have."),
    Code("CASK-L007", Exit.REVIEW,  "The toolchain differs and so do the bytes", "Another version of the program or a library gives other artifacts."),
    Code("CASK-L008", Exit.REVIEW,  "A person took it away", "A block stands on the subject; it holds until a newer approval."),
    Code("CASK-L009", Exit.REVIEW,  "An approval has expired", "The approval was given for a limited time, and that time is over."),
    Code("CASK-L010", Exit.REFUSED, "An artifact does not have its published form", "A file is not valid against the schema that is published for it, or a tool's schema is none."),
    Code("CASK-L011", Exit.REVIEW,  "An approval ends soon", "The approval was given for a limited time, and less than a week of it is left; a new one in time keeps the tool."),
    # P: toolpacks that are handed over as one file
    Code("CASK-P001", Exit.INPUT,   "A bundle cannot be read", "The file is no zip, is cut off, or a byte of it changed on the way."),
    Code("CASK-P002", Exit.REFUSED, "A bundle is not as `cask bundle` writes it", "There is one form of a bundle; links, packed members, names that lead out, doubles and whatever else a zip can hold are refused unread."),
    Code("CASK-P003", Exit.REFUSED, "A bundle does not hold what it lists", "A member is missing, was added or differs from the manifest, the handoff or the lock of the same bundle."),
    Code("CASK-P004", Exit.REFUSED, "A signature over a bundle does not hold", "It is not by a key of the toolpack's trust root, or what was signed is something else."),
    # S: what lies under the root
    Code("CASK-S001", Exit.REVIEW,  "The cache is damaged", "A blob or a receipt does not have the content that its name says. Nothing is taken from it: the build makes it again."),
    Code("CASK-S002", Exit.REFUSED, "A record is damaged", "A line of a journal, a capture or a database under the root cannot be read as it was written."),
    Code("CASK-S003", Exit.REVIEW,  "Something here is of an earlier version", "A file or folder lies where an earlier version of the program kept it."),
    Code("CASK-S004", Exit.REFUSED, "The record of decisions was changed", "A line or a segment of the record was edited, removed, added or moved, or a seal on it does not hold."),
    Code("CASK-S005", Exit.CLEAN,   "A part of the record has no end", "A segment has no seal yet, ends in the middle of a line, or was written before there was a chain. It is no damage; what can be cut off unseen is said."),
    # T: trust root and pin
    Code("CASK-T001", Exit.REFUSED, "This machine has not accepted the trust root", "Nothing is pinned here for this toolpack, so whose signatures count is not known."),
    Code("CASK-T002", Exit.REFUSED, "The trust root is not the pinned one", "The toolpack's trust root has another digest than the one that was accepted here."),
    Code("CASK-T003", Exit.REFUSED, "The trust root is not valid", "A version of the trust root is missing, damaged, expired or not signed by the one before."),
    Code("CASK-T004", Exit.REFUSED, "Something older than what was seen is offered", "The lock, a shared statement or the trust root is older than what this machine accepted."),
    Code("CASK-T005", Exit.REFUSED, "A pin exists already", "A trust root was accepted before under this toolpack's name."),
    Code("CASK-T006", Exit.REFUSED, "There is no trust root", "The toolpack has no trust root yet, so nothing can be approved or served."),
    Code("CASK-T007", Exit.REFUSED, "The pin cannot be used", "The pin or the condition on it is damaged, writable by others, or of an unknown form."),
    Code("CASK-T008", Exit.REVIEW,  "The trust root ends soon", "The current version of the trust root expires within a month; after that nothing is served."),
    Code("CASK-T009", Exit.REFUSED, "The pending version cannot be signed", "It is damaged, another version took its place, or a signature on it does not hold."),
    Code("CASK-T010", Exit.INPUT,   "The trust root cannot be changed so", "A role would need more keys than it has, a key is named twice or not known, or nothing would change."),
    # K: keys
    Code("CASK-K001", Exit.REFUSED, "A private key is readable by others", "The key file's mode or owner lets someone else read it."),
    Code("CASK-K002", Exit.REFUSED, "A key cannot be used", "The passphrase is wrong, the file is damaged, or the key is of an unknown or weak kind."),
    Code("CASK-K003", Exit.INPUT,   "A key of that name exists", "Keys are never overwritten."),
    Code("CASK-K004", Exit.INPUT,   "There is no such key", "No private key of that name lies in the user's configuration folder."),
    Code("CASK-K005", Exit.WORLD,   "No ssh-agent can be reached", "SSH_AUTH_SOCK is not set, or nobody listens where it points."),
    Code("CASK-K006", Exit.WORLD,   "The ssh-agent's answer cannot be used", "It did not answer in time, answered more than its protocol allows, or something that is not of its protocol."),
    Code("CASK-K007", Exit.REFUSED, "The ssh-agent does not sign", "It is empty or locked, does not hold the key any more, or nobody confirmed or touched."),
    Code("CASK-K008", Exit.REFUSED, "The ssh-agent's signature counts for nothing", "It does not hold under the key, or an authenticator made it without a person's presence."),
    # A: what only a person at a terminal may do
    Code("CASK-A001", Exit.REFUSED, "This needs a person at a terminal", "Whatever adds to what may run is started on a terminal, whatever flags or environment are given."),
    Code("CASK-A002", Exit.REFUSED, "The typed name does not match", "The name to confirm a signature was not typed as shown."),
    Code("CASK-A003", Exit.INPUT,   "A reason is needed", "A decision on a tool of tier high or critical needs a reason."),
    # R: a call at run time; the texts reach agents
    Code("CASK-R001", Exit.REFUSED, "Unknown tool", "The tool is not listed: it does not exist, or it is not approved."),
    Code("CASK-R002", Exit.REFUSED, "The arguments do not fit", "The arguments do not match the tool's closed input schema."),
    Code("CASK-R003", Exit.REFUSED, "The arguments leave the approved request", "The request that the arguments would make is not in the tool's compiled grammar."),
    Code("CASK-R004", Exit.REFUSED, "Denied by policy", "No rule of the signed policy allows the call, or a rule denies it."),
    Code("CASK-R005", Exit.REFUSED, "A person has to confirm this call", "The policy asks for a confirmation; the challenge is granted by a person on a terminal."),
    Code("CASK-R006", Exit.REFUSED, "The confirmation does not hold", "The grant is unknown, spent, expired, or for another call."),
    Code("CASK-R007", Exit.WORLD,   "The upstream did not answer", "Connection, time-out or a broken answer."),
    Code("CASK-R008", Exit.WORLD,   "The upstream answered with an error", "The upstream's status says that the call failed."),
    Code("CASK-R009", Exit.REFUSED, "A credential is missing", "The reference in `auth:` leads to nothing in this environment."),
    Code("CASK-R010", Exit.REFUSED, "The rate budget is spent", "The policy's budget for this window is used up."),
    Code("CASK-R011", Exit.BUG,     "The call failed inside the runtime", "An unexpected fault; the record has the details."),
    Code("CASK-R012", Exit.REFUSED, "A composite ended before its end", "One of its calls was refused or failed, or an answer lacks what the next call needs; what was done before stays done."),
    Code("CASK-R020", Exit.WORLD,   "The shared state does not answer", "Replicas count and confirm in one place. While that cannot be asked, no call is made."),
    Code("CASK-R021", Exit.WORLD,   "The upstream is left alone for a while", "It failed many times in a row: until its rest is over nothing is sent, then one call tries it."),
    Code("CASK-R022", Exit.REFUSED, "Too many calls of one tool at once", "As many as may be are on their way, and as many as may wait do: nothing was sent."),
    # V: verification and its evidence
    Code("CASK-V001", Exit.REFUSED, "Evidence does not hold", "A file of a run's evidence was changed, added, removed or moved, or its signature does not hold."),
    Code("CASK-V002", Exit.REFUSED, "Evidence is of another toolpack", "What a run of another toolpack saw says nothing of this one."),
    Code("CASK-R030", Exit.REFUSED, "The upstream does not take the credential", "It answers 401 to what the named reference leads to, also after that was renewed where it can be."),
    Code("CASK-R031", Exit.REFUSED, "No token is given", "The token server of the approved `auth:` entry cannot be reached, refuses the client, or gives no bearer token."),
    Code("CASK-R032", Exit.REFUSED, "The user's configuration is not theirs alone", "Others may write the file that names commands, secrets and certificates: what it says is not followed."),
    # F: drafts that agents and people file
    Code("CASK-F001", Exit.INPUT,   "The draft cannot be taken", "It is too large, asks for a host that is not the project's, or its texts hold hidden characters, orders to models or credentials."),
    Code("CASK-F002", Exit.REFUSED, "The box of drafts is full", "Too many drafts wait: nothing was lost, and nothing more is taken until people have decided on some."),
    Code("CASK-F003", Exit.INPUT,   "The draft was decided already", "A person has promoted or rejected it."),
    # H: the HTTP transport
    Code("CASK-H001", Exit.REFUSED, "The server would be open to others", "An address that other machines reach takes tokens, the URL that clients use, and TLS here or at a proxy in front."),
    Code("CASK-H002", Exit.INPUT,   "TLS cannot be set up", "The certificate and the private key cannot be read, or do not belong together."),
    Code("CASK-H003", Exit.REFUSED, "A token file is not its owner's alone", "Whoever can read or write it could call in another's name, or let others in."),
    # E: egress
    Code("CASK-E001", Exit.REFUSED, "The scheme or host is not approved", "The request would go to a scheme, host or port that is not in the signed plan."),
    Code("CASK-E002", Exit.REFUSED, "The name does not resolve", "The host has no address."),
    Code("CASK-E003", Exit.REFUSED, "The address is not public", "The host resolves to a private, loopback, link-local, metadata or otherwise reserved address."),
    Code("CASK-E004", Exit.REFUSED, "The host is not written as a host", "The host is no name and no strict address literal."),
    Code("CASK-E005", Exit.REFUSED, "A redirect leaves what is approved", "A redirect would reach another place than the approved one."),
    Code("CASK-E006", Exit.REFUSED, "The certificate does not hold", "The upstream shows no certificate that an authority that is trusted here gave for the approved host. Nothing was sent."),
    # D: demo
    Code("CASK-D001", Exit.REFUSED, "A proof of the demo failed", "An attack was not stopped, or two runs differ."),
    # W: the world
    Code("CASK-W001", Exit.WORLD,   "The disk refuses", "Writing or reading failed: full, read-only, no permission, or an I/O error."),
    Code("CASK-W002", Exit.WORLD,   "An extra is missing", "The command needs a package that is not installed."),
    Code("CASK-W003", Exit.BUG,     "A bug", "An unexpected error. `--debug` shows the traceback."),
    Code("CASK-W004", Exit.WORLD,   "Interrupted", "The person ended the command."),
    Code("CASK-W005", Exit.WORLD,   "The browser does not start", "There is no browser or no display, or the system does not let it run."),
    Code("CASK-W006", Exit.WORLD,   "The page cannot be reached", "The browser found no server at the address, or the connection failed."),
    Code("CASK-W007", Exit.WORLD,   "An MCP server cannot be listed", "It cannot be reached or started, wants another credential, or did not answer in time."),
)
# fmt: on

CODES: Final = {row.code: row for row in _ROWS}

AGAIN: Final = "…"
"""At the beginning of a mend: the command that failed, as it was typed; what follows is added to it. `cli/main.py` fills it in."""


class CaskError(Exception):
    """An error with a code, a place and a mend. `str()` is one line without a trailing full stop.

    what: what is wrong, with the names of the reader's own things. place: `file:line` or another position. mend: one command.
    """

    def __init__(self, code: str, what: str, *, place: str | None = None, mend: str | None = None) -> None:
        super().__init__(code, what, place, mend)
        self.row = CODES[code]
        self.what = what
        self.place = place
        self.mend = mend

    def __str__(self) -> str:
        return " · ".join(part for part in (f"{self.row.code} {self.what}", self.place, self.mend) if part)

    def mended(self, mend: str) -> "CaskError":
        """The same error with a mend, unless it has one: for who knows what the raiser did not."""
        return self if self.mend or not mend else CaskError(self.code, self.what, place=self.place, mend=mend)

    @property
    def code(self) -> str:
        """The stable code, e.g. `CASK-I004`."""
        return self.row.code

    @property
    def exit(self) -> Exit:
        """The exit status that `cli/main.py` gives for it."""
        return self.row.exit
