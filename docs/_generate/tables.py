"""`docs/reference/tables/`: the literal tables that decide things, as pages."""

from typing import Any, Final, NamedTuple

from caskmcp.load import load


class Page(NamedTuple):
    """One table of the package and how it is shown."""

    name: str
    title: str
    intro: str
    table: str
    """`module:attribute` of a sequence of rows, or of a mapping whose values are rows."""
    columns: tuple[str, ...]


# fmt: off
PAGES: Final = (
    Page("risk-rules",  "Risk rules",  "Every rule that finds something is kept as a reason; the highest tier and the strongest effect of them hold. Unknown is at least `high`.",
         "compiler.classify.rules:RULES", ("id", "tier", "effect", "message")),
    Page("left-out",    "What capture leaves out", "Requests to other hosts are left out first; of the rest, the first reason that holds is counted and reported.",
         "compiler.capture.select:RULES", ("reason",)),
    Page("detectors",   "Detectors of redaction", "What each replaces by a typed placeholder before the first write. Names are phrases that a field's name ends with.",
         "redact.detectors:DETECTORS", ("id", "kind", "strict", "auth")),
    Page("inference",   "Rules of inference", "Why a field is required or optional, and what gave it its type; `cask explain` names these rows.",
         "compiler.infer.rules:RULES", ("id", "decides", "why")),
    Page("doubts",      "Doubts about evidence", "What an operation's evidence lacks or contradicts; `coverage.json` and `cask explain` name these rows.",
         "compiler.infer.doubts:RULES", ("id", "why", "mend")),
    Page("stages",      "Stages of the build", "Each is a function of its inputs; `per` is the fan-out.",
         "compiler.pipeline:STAGES", ("name", "per", "inputs", "outputs")),
    Page("artifacts",   "Artifacts", "What the compiler writes; `wanted` is the entry of `emit:` that asks for it, empty for what is always written.",
         "compiler.emit.stage:EMITTERS", ("file", "wanted")),
    Page("gateway",     "Steps of a call", "Every call passes these in order; the first no ends it with one of the codes.",
         "runtime.gateway:STEPS", ("name", "codes")),
    Page("networks",    "Addresses that are refused", "The first row that holds an address decides. `opens`: a signed environment with `private: true` may name it.",
         "runtime.networks:DENIED", ("network", "what", "opens")),
    Page("diff-rules",  "Kinds of change", "What `cask diff` calls a change, by the calculus's verdict. `info` exits 0, `review` 1, `breaking` 2; the step `broadening` of `cask check` tells the breaking ones.",
         "analyze.diff:RULES", ("code", "severity", "says")),
    Page("drift-classes", "Classes of drift", "What `cask drift` and the step `drift` of `cask check` find. `info` exits 0, `review` 1, `breaking` 2; the verdict is for what has no schema, else the calculus gives it.",
         "analyze.drift_classes:CLASSES", ("id", "severity", "verdict", "says")),
    Page("lint-rules",  "Lint rules", "What `cask lint` looks for; the step `lint` of `cask check` tells all but `info`. The id is what a suppression in `lint.yaml` names.",
         "analyze.lint.rules:RULES", ("id", "severity", "message", "clients")),
    Page("lint-clients", "Clients that lint knows", "What `cask lint --client` asks beyond what every client needs. 0: no limit is known.",
         "analyze.lint.clients:CLIENTS", ("key", "title", "name", "description", "tools", "type_lists")),
    Page("diagnoses",   "Diagnoses", "What `cask repair` calls what others found. The first row that fits explains a finding; `look` is SAFE, `fix` is of the row's class.",
         "analyze.repair:DIAGNOSES", ("id", "kind", "when", "says", "look", "fix", "advice")),
    Page("injection",   "Forms of words that are taken out", "Text of a recording or spec that orders a model about never reaches a description, enum or example.",
         "compiler.emit.hygiene:ORDERS", ("id", "message")),
)
# fmt: on


def files() -> dict[str, bytes]:
    """One page a row of `PAGES`."""
    return {f"docs/reference/tables/{page.name}.md": render(page).encode("utf-8") for page in PAGES}


def render(page: Page) -> str:
    """The page of one table, its rows in their own order: order decides."""
    rows = load(page.table)
    listed = rows.values() if isinstance(rows, dict) else rows
    lines = ["| " + " | ".join(_cell(getattr(row, column)) for column in page.columns) + " |" for row in listed]
    head = ["| " + " | ".join(page.columns) + " |", "|" + "---|" * len(page.columns)]
    return "\n".join([f"# {page.title}", "", page.intro, "", *head, *lines, ""])


def _cell(value: Any) -> str:
    if isinstance(value, tuple | list | frozenset | set):
        return ", ".join(_cell(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)) or "–"
    if value is None or isinstance(value, bool):
        return "yes" if value else "–"
    text = str(getattr(value, "value", value)) or "–"
    return text.replace("|", "\\|").replace("\n", " ")
