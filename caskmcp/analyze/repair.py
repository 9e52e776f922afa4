"""What is wrong, from what other commands found: a literal table of diagnoses, each with its class, its evidence and the commands to paste.

Promises: every symptom that is more than news is told, under the row that knows it or under `unexplained`; a command is one that its row names, with
names of the reader's own put in as single words of a shell. Nothing is looked at or run from here.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from caskmcp.errors import AGAIN
from caskmcp.model.finding import EXITS, Finding, Severity, typed


class Class(StrEnum):
    """What a command does, and who may run it."""

    SAFE = "SAFE"
    """Reads and changes nothing: `--apply-safe` runs it."""
    APPROVAL_REQUIRED = "APPROVAL_REQUIRED"
    """Writes what waits for an approval, and serves nothing by itself: `--heal` runs it."""
    MANUAL = "MANUAL"
    """A person's alone."""


class Symptom(NamedTuple):
    """One thing that a source found."""

    source: str
    finding: Finding


class Diagnosis(NamedTuple):
    """One row."""

    id: str
    kind: Class
    """Of its fix."""
    when: tuple[str, ...]
    """Codes of findings, or `source/code` where only that source means this."""
    says: str
    look: str = ""
    """A SAFE command that shows more; `{tool}` is the tool that the symptom is about."""
    fix: str = ""
    """A command; `{mend}` is what the finding itself names. Empty: only a person's own work mends it."""
    advice: str = ""
    word: str = ""
    """What the finding's message has to hold."""


BUILD: Final = "cask build"
STATUS: Final = "cask gate status"
OF_TOOL: Final = "cask gate status {tool}"
CALLS: Final = "cask audit query --tool {tool} --since 7d"
RECORD: Final = "cask audit query --since 7d"
GARBAGE: Final = "cask state gc --dry-run"
RECORD_AGAIN: Final = (
    "record or export the service again, `cask capture import FILE`, `cask build`; what changed then waits for `cask gate allow`"
)
DRIFTED: Final = f"{RECORD_AGAIN}; where the newest build shows it already: `cask gate snapshot`"
SAFE, PENDING, MANUAL = Class.SAFE, Class.APPROVAL_REQUIRED, Class.MANUAL
# fmt: off
DIAGNOSES: Final = (
    # The first row that fits explains a symptom.
    # ---- what was built
    Diagnosis("artifact-edited",     PENDING, ("state/CASK-L006", "edited/CASK-L006"), "an artifact is not what the build handed over: it was edited or is damaged", STATUS, BUILD, "the build writes what the sources give; nothing that was edited is approved by it"),
    Diagnosis("build-stale",         PENDING, ("CASK-L006", "CASK-B004"), "the sources, the manifest or the policy are newer than what was built", STATUS, BUILD, "what then differs waits for `cask gate allow`"),
    Diagnosis("toolchain-differs",   PENDING, ("CASK-L007",), "it was compiled by another version of the program or of a library", STATUS, BUILD),
    Diagnosis("artifact-unreadable", PENDING, ("CASK-L002", "CASK-L010"), "a served file is missing, or does not have its published form", "", BUILD),
    Diagnosis("nothing-built",       PENDING, ("CASK-I011",), "there is no toolpack yet", "cask capture list", BUILD),
    Diagnosis("capture-stale",       MANUAL,  ("capture-old",), "what was recorded is old: the service may have changed since", "cask capture list", "", RECORD_AGAIN),
    Diagnosis("source-missing",      MANUAL,  ("CASK-C004",), "a source of the manifest matches no file", "cask capture list", "", "put the file back, or take its line out of `sources:`"),
    Diagnosis("manifest-broken",     MANUAL,  ("CASK-I003", "CASK-I004", "CASK-I005", "CASK-I008", "CASK-I009"), "a file that people write cannot be read as what it is", "", "", "the place is named: correct the file"),
    Diagnosis("no-project",          MANUAL,  ("CASK-I006", "CASK-I007"), "the working directory is not that of a project, or of several", "", "{mend}"),
    Diagnosis("format-earlier",      MANUAL,  ("CASK-S003",), "a file is of an earlier version of the program", "", "cask migrate"),
    # ---- who signed what
    Diagnosis("signer-revoked",      MANUAL,  ("signer-revoked",), "who approved it may not approve it any more: their key was taken out of the trust root, or of the role", OF_TOOL, "cask gate allow {subject}", "somebody who may has to look at it and sign"),
    Diagnosis("approval-expired",    MANUAL,  ("CASK-L009", "check/CASK-L003"), "an approval was given for a time, and that is over", OF_TOOL, "cask gate allow {subject}", word=" is expired"),
    Diagnosis("approval-ends",       MANUAL,  ("CASK-L011",), "an approval ends within a week", OF_TOOL, "cask gate allow {subject}"),
    Diagnosis("approval-missing",    MANUAL,  ("CASK-L003",), "what was built waits for a person", OF_TOOL, "cask gate allow {subject}", "look at `cask diff` first"),
    Diagnosis("lock-damaged",        MANUAL,  ("CASK-L001",), "the lock cannot be read", "", "{mend}", "it is in git: put the committed one back"),
    Diagnosis("statement-invalid",   MANUAL,  ("CASK-L004",), "a statement of the lock does not hold", "cask gate list", "{mend}", "whoever signed it signs again, or the committed lock is put back"),
    Diagnosis("surface-broader",     MANUAL,  ("CASK-L005", "tool-broadens", "tool-differs", "shared-broadens", "shared-differs"), "the build allows more than anybody approved", OF_TOOL, "", "find out with `cask diff` what widened it; narrow it in cask.yaml, or have it approved"),
    Diagnosis("key-expired",         MANUAL,  ("CASK-T003",), "the trust root with its keys has expired: nothing is served", "cask trust show", "cask trust edit --expires 365d", word="expired"),
    Diagnosis("trust-ends",          MANUAL,  ("CASK-T008",), "the trust root with its keys ends within a month", "cask trust show", "cask trust edit --expires 365d"),
    Diagnosis("trust-damaged",       MANUAL,  ("CASK-T003", "CASK-T009"), "a version of the trust root is missing, damaged or not signed by the one before", "", "{mend}"),
    Diagnosis("trust-unaccepted",    MANUAL,  ("CASK-T001",), "this machine has not accepted the trust root", STATUS, "cask trust pin", "compare the digest with one from a person you know"),
    Diagnosis("trust-other",         MANUAL,  ("CASK-T002", "CASK-T005"), "the trust root is another than the one that was accepted here", STATUS, "", "find out who replaced it before anybody runs `cask trust pin --replace`"),
    Diagnosis("older-offered",       MANUAL,  ("CASK-T004",), "what lies here is older than what this machine has seen", STATUS, "cask trust pin --accept-older", "only after an honest checkout of something older"),
    Diagnosis("trust-absent",        MANUAL,  ("CASK-T006",), "there is no trust root: nothing can be approved or served", STATUS, "", "`cask trust init --key NAME`, by the person who answers for it"),
    Diagnosis("pin-unusable",        MANUAL,  ("CASK-T007",), "what this machine accepted cannot be used", "", "{mend}"),
    Diagnosis("key-unusable",        MANUAL,  ("CASK-K001", "CASK-K002", "CASK-K005", "CASK-K006", "CASK-K007", "CASK-K008"), "a key cannot sign, or others may read what is private", "", "{mend}"),
    # ---- what the service does now
    Diagnosis("endpoint-removed",    MANUAL,  ("endpoint-removed",), "the service does not know the operation any more", OF_TOOL, "cask gate block {subject}", "a block needs no key; or " + RECORD_AGAIN),
    Diagnosis("endpoint-new",        MANUAL,  ("endpoint-added", "host-added"), "the service answers at a place that nobody approved", STATUS, "{mend}", "nothing is served there; take it in with a recording, or leave it"),
    Diagnosis("sensitive-appeared",  MANUAL,  ("pii-appeared", "secret-appeared"), "answers hold personal data or a credential that they did not", OF_TOOL, "cask gate block {subject}", "block it until people have looked; or " + RECORD_AGAIN),
    Diagnosis("enum-drifted",        MANUAL,  ("enum-grown", "request-enum-grown"), "a field holds a word that is not in its vocabulary", OF_TOOL, "{mend}", DRIFTED),
    Diagnosis("credential-refused",  MANUAL,  ("CASK-R030", "answered-401"), "the service does not take the credential", CALLS, "", "renew what the reference under `auth:` leads to; the server reads it again"),
    Diagnosis("credential-missing",  MANUAL,  ("CASK-R009", "CASK-R031", "CASK-R032"), "there is no credential to send", CALLS, "", "give the server what `auth:` names"),
    Diagnosis("answers-drifted",     MANUAL,  ("drift/*", "verify/answer-differs"), "requests or answers are not what was approved", OF_TOOL, "{mend}", DRIFTED),
    Diagnosis("contract-broken",     MANUAL,  ("contracts-broken", "contract-broken", "contract-not-called", "outcome-failed"), "an answer is not what people state in verify.yaml", "cask evidence list", "", "mend the service, or the statement in verify.yaml"),
    Diagnosis("contract-unverified", MANUAL,  ("contracts-unverified",), "no live run shows that the contracts hold", "cask evidence list", "", "`cask verify --env NAME`: it calls the service"),
    Diagnosis("behaviour-differs",   MANUAL,  ("verify/*",), "a run of verify found what should not be", "cask evidence list", "", "the evidence of the run has the answer"),
    Diagnosis("service-unreachable", MANUAL,  ("CASK-R007", "CASK-R020", "CASK-R021", "CASK-E002", "CASK-E006"), "the service, or the state that replicas share, does not answer", CALLS, "", "see whether it is up, and whether its name and certificate are right"),
    Diagnosis("service-fails",       MANUAL,  ("CASK-R008",), "the service answers with an error", CALLS, "", "the record has its status; if it has changed: " + RECORD_AGAIN),
    Diagnosis("place-refused",       MANUAL,  ("CASK-E001", "CASK-E003", "CASK-E004", "CASK-E005"), "calls lead to a place that is not approved", CALLS, "", "name the place under `environments:`, build, and have it approved"),
    # ---- what the policy does
    Diagnosis("rule-dead",           MANUAL,  ("rule-unreachable", "budget-unused"), "a row of the policy can never be reached: it protects nothing", "cask gate status policy", "", "take it out or move it up in the file that `policy:` in cask.yaml names, then `cask build`"),
    Diagnosis("policy-denies",       MANUAL,  ("CASK-R004",), "the policy denies what is asked for", CALLS, "", "as approved: to change it, edit the policy, build, and have it approved"),
    Diagnosis("budget-spent",        MANUAL,  ("CASK-R010", "CASK-R022"), "the budget of the policy is spent, or too much is asked for at once", CALLS, "", "wait; a person can raise it in the policy"),
    Diagnosis("person-waited-for",   MANUAL,  ("CASK-R005", "CASK-R006"), "calls wait for a person", CALLS, "", "`cask confirm list`, then `cask confirm grant` or `deny`"),
    Diagnosis("arguments-refused",   MANUAL,  ("CASK-R001", "CASK-R002", "CASK-R003", "CASK-R012"), "an agent asks for what the tool does not do", CALLS, "", "the client should list the tools again"),
    Diagnosis("draft-waits",         MANUAL,  ("draft-waits",), "a draft of a tool waits for a person", "cask propose list", "", "`cask propose promote ID` or `reject ID`"),
    Diagnosis("wording",             MANUAL,  ("lint/*",), "a rule of lint finds what people should look at", STATUS, "", "`cask lint` names the rule and what mends it"),
    # ---- what is kept here
    Diagnosis("chain-broken",        MANUAL,  ("CASK-S004",), "the record of decisions was changed", RECORD, "", "keep it as it is for whoever investigates, and put the file back from a backup"),
    Diagnosis("record-damaged",      MANUAL,  ("CASK-S002",), "a journal, a capture or a database under the root is damaged", GARBAGE, "{mend}"),
    Diagnosis("cache-damaged",       MANUAL,  ("CASK-S001",), "a part of the cache is damaged; nothing is taken from it", GARBAGE, "cask state gc"),
    Diagnosis("evidence-damaged",    MANUAL,  ("CASK-V001", "CASK-V002"), "evidence was changed after its run, or is another toolpack's", "cask evidence list", "", "run `cask verify` or `cask drift --live` again"),
    Diagnosis("private-in-git",      MANUAL,  ("CASK-C011",), "git tracks a raw recording or a private file", "", "{mend}", "it stays in the history: what it holds has to be renewed"),
    Diagnosis("git-lines-missing",   MANUAL,  ("doctor/git",), "traffic, state or caches could end up in git", "", "cask init"),
    # ---- the machine
    Diagnosis("client-nowhere",      MANUAL,  ("client-nowhere",), "a client's configuration starts a program or names a toolpack that is not there", "", "{mend}", "the client has to be started again"),
    Diagnosis("extra-missing",       MANUAL,  ("CASK-W002",), "a package that the project needs is not installed", "", "{mend}"),
    Diagnosis("library-unfit",       MANUAL,  ("doctor/libraries", "doctor/mcp", "doctor/python"), "a library or this Python is not of the versions that were run together", "", "{mend}"),
    Diagnosis("disk-full",           MANUAL,  ("CASK-W001",), "the disk refuses: full, read-only, or not this user's", GARBAGE, "cask state gc", "make room; calls that cannot be put on record are refused"),
    Diagnosis("lock-held",           MANUAL,  ("CASK-B003",), "another process holds the lock of the root", "", "", "wait for it; `cask state unlock` removes what no process holds"),
    Diagnosis("clock-behind",        MANUAL,  ("doctor/clock",), "the clock is behind what was signed here: expiry cannot be told", "", "date", "set the clock"),
)
# fmt: on
UNEXPLAINED: Final = Diagnosis("unexplained", MANUAL, (), "no row of the table knows it", "", "{mend}")
QUIET: Final = ("CASK-S005", "draft-settled")
"""Codes of what is no trouble at all."""


class Action(NamedTuple):
    """One command to paste."""

    diagnosis: str
    kind: Class
    command: str


@dataclass(frozen=True)
class Case:
    """One diagnosis of one thing."""

    row: Diagnosis
    symptoms: tuple[Symptom, ...]
    look: str
    fix: str

    @property
    def severity(self) -> Severity:
        """The worst of its symptoms'."""
        return max((each.finding.severity for each in self.symptoms), key=lambda each: EXITS[each])

    @property
    def actions(self) -> tuple[Action, ...]:
        """What can be pasted, the reading command first."""
        both = ((Class.SAFE, self.look), (self.row.kind, self.fix))
        return tuple(Action(self.row.id, kind, command) for kind, command in both if command)

    def finding(self) -> Finding:
        """As a row of a report."""
        first = self.symptoms[0].finding
        more = f" (and {len(self.symptoms) - 1} more)" if len(self.symptoms) > 1 else ""
        said = f"{self.row.says}: {first.message}{more}" + (f". Then: {self.row.advice}" if self.row.advice else "")
        mend = self.fix or self.look
        return Finding(code=self.row.id, severity=self.severity, subject=first.subject, message=said, place=first.place, mend=mend)


def diagnose(symptoms: Iterable[Symptom]) -> tuple[Case, ...]:
    """What is wrong: cases in the order of the table, each with all its evidence. What is only news and no row knows is left out."""
    known = _marked(tuple(symptoms))
    cases: dict[tuple[str, str, str], list[Symptom]] = {}
    rows: Mapping[str, Diagnosis] = {row.id: row for row in (*DIAGNOSES, UNEXPLAINED)}
    for each in known:
        if (row := explained(each)) is not None:
            cases.setdefault((row.id, _filled(row.look, each.finding), _filled(row.fix, each.finding)), []).append(each)
    order = {name: at for at, name in enumerate(rows)}
    return tuple(
        Case(rows[id_], tuple(found), look, fix) for (id_, look, fix), found in sorted(cases.items(), key=lambda item: order[item[0][0]])
    )


def explained(symptom: Symptom) -> Diagnosis | None:
    """The row that knows a symptom; None for news that no row knows."""
    found = symptom.finding
    if found.code in QUIET or found.suppressed:
        return None
    names = {found.code, f"{symptom.source}/{found.code}", f"{symptom.source}/*", *((f"{found.step}/*",) if found.step else ())}
    row = next((row for row in DIAGNOSES if names & {*row.when} and row.word in found.message), None)
    return row or (None if found.severity is Severity.INFO else UNEXPLAINED)


def _marked(symptoms: tuple[Symptom, ...]) -> Iterator[Symptom]:
    """The symptoms, each once. What `check` cannot derive again because somebody edited it is told by the state; the rest of it is not new."""
    edited = {_name(row.finding) for row in symptoms if (row.source, row.finding.code) == ("state", "CASK-L006")}
    told: set[tuple[str, str]] = set()
    for row in symptoms:
        key = (row.finding.code, row.finding.message)
        if key not in told:
            told.add(key)
            yield row._replace(source="edited") if row.source == "check" and _name(row.finding) in edited else row


def _name(finding: Finding) -> str:
    return finding.place.rpartition("/")[2]


def _filled(template: str, finding: Finding) -> str:
    """A command with the names of this finding; empty where it has none to put in, or what it names is advice."""
    if "{mend}" in template:
        return "" if finding.mend.startswith(AGAIN) or not is_command(finding.mend) else finding.mend
    if "{tool}" in template:
        return template.format(tool=typed(finding.subject)) if finding.subject.startswith("tool:") else ""
    return template.format(subject=typed(finding.subject)) if finding.subject or "{" not in template else ""


PROGRAMS: Final = ("cask", "chmod", "cd", "date", "git", "ls", "pip", "python", "rm")
"""Programs that a mend may begin with; other texts are advice."""
FILLED_IN: Final = ("FILE", "NAME", "HOST", "TOOL")
"""Words that a reader has to put something in for: no command to paste."""


_QUOTED: Final = re.compile(r"""'[^']*'|"[^"$`\\]*\"""")
_BARE: Final = re.compile(r"[\w@%+=:,./ -]*")


def is_command(mend: str) -> bool:
    """Whether a mend can be pasted as it stands: one command of one program, of which a shell makes nothing else."""
    if not _BARE.fullmatch(_QUOTED.sub("", mend)):
        return False
    words = shlex.split(mend)
    return bool(words) and words[0].rpartition("/")[2] in PROGRAMS and not set(words) & set(FILLED_IN)
