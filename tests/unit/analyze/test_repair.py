"""The table of diagnoses: which symptom each row explains, what can be pasted for it, and that nothing which matters goes untold."""

import subprocess
from collections.abc import Callable

import pytest

from caskmcp.analyze import repair
from caskmcp.analyze.repair import DIAGNOSES, Class, Symptom, diagnose, explained, is_command
from caskmcp.model.finding import Finding, Severity

MEND = "chmod 600 key"
OF_GET = "cask gate status get"
CALLS_OF_GET = "cask audit query --tool get --since 7d"
ALL_CALLS = "cask audit query --since 7d"
STATUS = "cask gate status"
CAPTURES, EVIDENCE, GARBAGE = "cask capture list", "cask evidence list", "cask state gc --dry-run"


def symptom(name: str, message: str = "it is so", *, subject: str = "tool:get", mend: str = MEND, step: str = "") -> Symptom:
    source, _, code = name.rpartition("/")
    finding = Finding(code=code, severity=Severity.REVIEW, subject=subject, message=message, place="a/file:3", mend=mend, step=step)
    return Symptom(source or "check", finding)


# fmt: off
CASES = (
    # diagnosis             symptom, what it says                        what reads         what mends
    ("artifact-edited",     "state/CASK-L006", "",                       STATUS,            "cask build"),
    ("build-stale",         "check/CASK-L006", "",                       STATUS,            "cask build"),
    ("toolchain-differs",   "check/CASK-L007", "",                       STATUS,            "cask build"),
    ("artifact-unreadable", "doctor/CASK-L002", "",                      "",                "cask build"),
    ("nothing-built",       "doctor/CASK-I011", "",                      CAPTURES,          "cask build"),
    ("capture-stale",       "doctor/capture-old", "",                    CAPTURES,          ""),
    ("source-missing",      "doctor/CASK-C004", "",                      CAPTURES,          ""),
    ("manifest-broken",     "doctor/CASK-I004", "",                      "",                ""),
    ("no-project",          "doctor/CASK-I006", "",                      "",                MEND),
    ("format-earlier",      "doctor/CASK-S003", "",                      "",                "cask migrate"),
    ("signer-revoked",      "signers/signer-revoked", "",                OF_GET,            "cask gate allow get"),
    ("approval-expired",    "check/CASK-L003", "get is expired: over",   OF_GET,            "cask gate allow get"),
    ("approval-ends",       "check/CASK-L011", "",                       OF_GET,            "cask gate allow get"),
    ("approval-missing",    "check/CASK-L003", "get is pending: new",    OF_GET,            "cask gate allow get"),
    ("lock-damaged",        "check/CASK-L001", "",                       "",                MEND),
    ("statement-invalid",   "check/CASK-L004", "",                       "cask gate list",  MEND),
    ("surface-broader",     "check/CASK-L005", "",                       OF_GET,            ""),
    ("key-expired",         "doctor/CASK-T003", "it expired at noon",    "cask trust show", "cask trust edit --expires 365d"),
    ("trust-ends",          "doctor/CASK-T008", "",                      "cask trust show", "cask trust edit --expires 365d"),
    ("trust-damaged",       "doctor/CASK-T003", "it is damaged",         "",                MEND),
    ("trust-unaccepted",    "doctor/CASK-T001", "",                      STATUS,            "cask trust pin"),
    ("trust-other",         "doctor/CASK-T002", "",                      STATUS,            ""),
    ("older-offered",       "check/CASK-T004", "",                       STATUS,            "cask trust pin --accept-older"),
    ("trust-absent",        "doctor/CASK-T006", "",                      STATUS,            ""),
    ("pin-unusable",        "doctor/CASK-T007", "",                      "",                MEND),
    ("key-unusable",        "doctor/CASK-K001", "",                      "",                MEND),
    ("endpoint-removed",    "drift/endpoint-removed", "",                OF_GET,            "cask gate block get"),
    ("endpoint-new",        "drift/endpoint-added", "",                  STATUS,            MEND),
    ("sensitive-appeared",  "drift/pii-appeared", "",                    OF_GET,            "cask gate block get"),
    ("enum-drifted",        "drift/enum-grown", "",                      OF_GET,            MEND),
    ("credential-refused",  "calls/CASK-R030", "",                       CALLS_OF_GET,      ""),
    ("credential-missing",  "calls/CASK-R009", "",                       CALLS_OF_GET,      ""),
    ("answers-drifted",     "drift/field-removed", "",                   OF_GET,            MEND),
    ("contract-broken",     "verify/contract-broken", "",                EVIDENCE,          ""),
    ("contract-unverified", "check/contracts-unverified", "",            EVIDENCE,          ""),
    ("behaviour-differs",   "verify/boundary-failed", "",                EVIDENCE,          ""),
    ("service-unreachable", "calls/CASK-R007", "",                       CALLS_OF_GET,      ""),
    ("service-fails",       "calls/CASK-R008", "",                       CALLS_OF_GET,      ""),
    ("place-refused",       "calls/CASK-E003", "",                       CALLS_OF_GET,      ""),
    ("rule-dead",           "check/rule-unreachable", "",                "cask gate status policy", ""),
    ("policy-denies",       "calls/CASK-R004", "",                       CALLS_OF_GET,      ""),
    ("budget-spent",        "calls/CASK-R010", "",                       CALLS_OF_GET,      ""),
    ("person-waited-for",   "calls/CASK-R005", "",                       CALLS_OF_GET,      ""),
    ("arguments-refused",   "calls/CASK-R002", "",                       CALLS_OF_GET,      ""),
    ("draft-waits",         "drafts/draft-waits", "",                    "cask propose list", ""),
    ("wording",             "lint/description-long", "",                 STATUS,            ""),
    ("chain-broken",        "audit/CASK-S004", "",                       ALL_CALLS,         ""),
    ("record-damaged",      "state/CASK-S002", "",                       GARBAGE,           MEND),
    ("cache-damaged",       "state/CASK-S001", "",                       GARBAGE,           "cask state gc"),
    ("evidence-damaged",    "evidence/CASK-V001", "",                    EVIDENCE,          ""),
    ("private-in-git",      "check/CASK-C011", "",                       "",                MEND),
    ("git-lines-missing",   "doctor/git", "",                            "",                "cask init"),
    ("client-nowhere",      "doctor/client-nowhere", "",                 "",                MEND),
    ("extra-missing",       "doctor/CASK-W002", "",                      "",                MEND),
    ("library-unfit",       "doctor/libraries", "",                      "",                MEND),
    ("disk-full",           "doctor/CASK-W001", "",                      GARBAGE,           "cask state gc"),
    ("lock-held",           "doctor/CASK-B003", "",                      "",                ""),
    ("clock-behind",        "doctor/clock", "",                          "",                "date"),
)
# fmt: on


@pytest.mark.parametrize(("id_", "name", "message", "look", "fix"), CASES, ids=[row[0] for row in CASES])
def test_each_row_explains_its_symptom_and_names_what_to_paste(id_: str, name: str, message: str, look: str, fix: str) -> None:
    (case,) = diagnose([symptom(name, message)])
    assert (case.row.id, case.look, case.fix) == (id_, look, fix)
    assert [(each.kind, each.command) for each in case.actions] == [
        *([(Class.SAFE, look)] if look else []),
        *([(case.row.kind, fix)] if fix else []),
    ]


def test_there_are_more_than_twenty_kinds_each_with_a_name_of_its_own() -> None:
    assert len({row.id for row in DIAGNOSES}) == len(DIAGNOSES) == len(CASES) == 58


def test_a_fix_is_never_safe_and_what_a_build_mends_waits_for_an_approval() -> None:
    assert {row.kind for row in DIAGNOSES} == {Class.APPROVAL_REQUIRED, Class.MANUAL}
    assert {row.fix for row in DIAGNOSES if row.kind is Class.APPROVAL_REQUIRED} == {"cask build"}


@pytest.mark.parametrize("row", DIAGNOSES, ids=lambda row: row.id)
def test_each_row_says_what_to_do(row: repair.Diagnosis) -> None:
    assert row.says
    assert row.fix or row.advice


# ---------------------------------------------------------------- what is told and what is not
def test_what_no_row_knows_is_told_as_unexplained_unless_it_is_news() -> None:
    (case,) = diagnose([symptom("doctor/something-new", "odd", mend="cask doctor")])
    assert (case.row.id, case.row.kind, case.fix) == ("unexplained", Class.MANUAL, "cask doctor")
    news = symptom("doctor/something-new")
    assert diagnose([news._replace(finding=news.finding.model_copy(update={"severity": Severity.INFO}))]) == ()


def test_what_a_person_accepts_and_a_record_that_is_open_are_no_trouble() -> None:
    accepted = symptom("lint/description-long")
    accepted = accepted._replace(finding=accepted.finding.model_copy(update={"suppressed": "we know, until 2027-01-01"}))
    assert diagnose([accepted, symptom("audit/CASK-S005")]) == ()


def test_steps_of_check_that_find_under_names_of_their_own_are_known_by_the_step() -> None:
    assert [
        row.id
        for name, step in (("check/field-removed", "drift"), ("check/description-long", "lint"))
        if (row := explained(symptom(name, step=step)))
    ] == ["answers-drifted", "wording"]


def test_what_two_sources_found_is_one_symptom_and_its_evidence_names_the_first() -> None:
    (case,) = diagnose([symptom("doctor/CASK-L002", "tools.json is missing"), symptom("check/CASK-L002", "tools.json is missing")])
    assert [each.source for each in case.symptoms] == ["doctor"]


def test_an_edited_file_that_check_cannot_derive_is_the_same_edit_and_another_file_is_stale() -> None:
    rows = [symptom("state/CASK-L006", "edited"), symptom("check/CASK-L006", "differs")]
    other = rows[1].finding.model_copy(update={"place": "a/other:1", "message": "differs too"})
    cases = diagnose([*rows, Symptom("check", other)])
    assert [(case.row.id, len(case.symptoms)) for case in cases] == [("artifact-edited", 2), ("build-stale", 1)]


def test_the_worst_symptom_decides_how_bad_a_case_is_and_the_rest_is_counted() -> None:
    rows = [symptom("audit/CASK-S004", f"line {number}") for number in (1, 2, 3)]
    worse = rows[1].finding.model_copy(update={"severity": Severity.REFUSED})
    (case,) = diagnose([rows[0], Symptom("audit", worse), rows[2]])
    found = case.finding()
    assert (found.code, found.severity, found.place, found.mend) == ("chain-broken", Severity.REFUSED, "a/file:3", ALL_CALLS)
    assert "line 1 (and 2 more). Then: keep it as it is" in found.message


def test_cases_come_in_the_order_of_the_table_whatever_the_order_of_symptoms() -> None:
    named = [(id_, symptom(name, f"{id_}{message}")) for id_, name, message, *_ in CASES]
    rows = [row._replace(finding=row.finding.model_copy(update={"place": f"a/{id_}"})) for id_, row in named]
    assert [case.row.id for case in diagnose(reversed(rows))] == [row.id for row in DIAGNOSES]


# ---------------------------------------------------------------- what may be pasted
@pytest.mark.parametrize(
    ("mend", "is_one"),
    [
        ("cask gate allow get", True),
        ("chmod 600 /srv/a/key", True),
        ("/usr/bin/python -m pip install plug==1.0", True),
        ("git checkout -- .caskmcp", True),
        ("cask trust init --key NAME", False),
        ("cask init -a HOST", False),
        ("put the file back from a backup", False),
        ("edit cask.yaml", False),
        ("cask gate allow 'un", False),
        ('pip install "caskmcp[redis]"', True),
        ("chmod 600 '/srv/a b/$key'", True),
        ("cask build; rm -rf x", False),
        ("cask build && reboot", False),
        ("cask gate allow $(reboot)", False),
        ("cask gate allow `reboot`", False),
        ('cask gate allow "$(reboot)"', False),
        ("cask build > cask.yaml", False),
        ("cask build\nreboot", False),
        ("reboot", False),
        ("", False),
    ],
)
def test_a_mend_is_pasted_only_if_it_is_a_command_as_it_stands(mend: str, is_one: bool) -> None:
    assert is_command(mend) is is_one
    (case,) = diagnose([symptom("doctor/CASK-T007", mend=mend)])
    assert case.fix == (mend if is_one else "")


@pytest.mark.parametrize("subject", ["tool:get; rm -rf ~", "tool:$(reboot)", "tool:--all", "tool:a b", "tool:`id`", "tool:{mend}"])
def test_a_name_stays_one_word_of_the_command_whatever_stands_in_it(subject: str, shell_words: Callable[[str], list[str]]) -> None:
    (case,) = diagnose([symptom("drift/endpoint-removed", subject=subject)])
    name = subject if subject.startswith("tool:--") else subject.removeprefix("tool:")
    assert shell_words(case.fix) == ["cask", "gate", "block", name]
    assert shell_words(case.look) == ["cask", "gate", "status", name]


@pytest.fixture
def shell_words() -> Callable[[str], list[str]]:
    """The words that a shell makes of a line, by asking one."""

    def split(line: str) -> list[str]:
        done = subprocess.run(["/bin/sh", "-c", f"set -f; printf '%s\\n' {line}"], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    return split


def test_a_command_of_a_tool_is_left_out_where_the_symptom_is_of_none() -> None:
    (case,) = diagnose([symptom("check/CASK-L003", "x is pending", subject="policy")])
    assert (case.look, case.fix) == ("", "cask gate allow policy")
    (case,) = diagnose([symptom("drift/endpoint-removed", subject="")])
    assert (case.look, case.fix) == ("", "")
