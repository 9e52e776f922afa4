"""The literal table of lint rules. The id of a row is the code of its findings; cases, the docs page and suppressions hang on it.

`info` is advice and passes; `review` is for a person to look at (exit 1); `breaking` must not be handed over (exit 2).
"""

from typing import Final, NamedTuple

from caskmcp.model.finding import Severity

INFO, REVIEW, BREAKING = Severity.INFO, Severity.REVIEW, Severity.BREAKING


class Rule(NamedTuple):
    """One rule."""

    id: str
    severity: Severity
    message: str
    """What is wrong where it finds something, and why that matters."""
    finds: str
    """`module:function` below the package: a function from a `Surface` to what it `Found`."""
    mend: str = "cask build"
    clients: bool = False
    """Whether it asks what chosen clients take; without one it has nothing to ask."""
    single: bool = False
    """Whether its findings are accepted one by one alone, by fingerprint: a pattern would hide the next attack or credential as well."""


EXCLUDE: Final = "leave it out under `tools.exclude` in cask.yaml"
PATHS: Final = "name the template under `paths` in cask.yaml"
RENAME: Final = "name it under `tools.rename` in cask.yaml"

# fmt: off
RULES: Final = (
    #    id                     severity  message
    Rule("text-orders",         BREAKING, "A text that a model reads gives it orders.",                                    "analyze.lint.texts:orders", EXCLUDE, single=True),
    Rule("text-hidden",         BREAKING, "A text holds characters that nobody sees.",                                     "analyze.lint.texts:hidden", EXCLUDE, single=True),
    Rule("text-lookalike",      REVIEW,   "A word mixes alphabets whose letters look alike: it is not what it seems.",     "analyze.lint.texts:lookalikes", EXCLUDE, single=True),
    Rule("secret",              BREAKING, "An artifact holds what has the form of a credential.",                          "analyze.lint.texts:secrets", EXCLUDE, single=True),
    Rule("description-missing", REVIEW,   "A tool has no title or description: conformance and directories refuse it.",    "analyze.lint.wording:missing"),
    Rule("description-long",    REVIEW,   "A description has more than 300 characters (of a parameter: 200).",             "analyze.lint.wording:long"),
    Rule("description-thin",    INFO,     "A description does not say what, when or what comes back.",                     "analyze.lint.wording:thin", "say more in the document that describes it"),
    Rule("parameter-unclear",   INFO,     "A parameter's name says nothing, and nothing else explains it.",                "analyze.lint.wording:unclear", "describe it in the document that declares it"),
    Rule("name-form",           BREAKING, "A name is not a letter and up to 35 of a-z, 0-9 and _, or stands twice.",       "analyze.lint.names:form", RENAME),
    Rule("name-mislabels",      REVIEW,   "A name or title says that it reads, and the tool changes something.",           "analyze.lint.names:mislabelled", RENAME),
    Rule("name-stamped",        INFO,     "A name carries a piece of a digest, since a shorter one was not its own.",      "analyze.lint.names:stamped", RENAME),
    Rule("toolset-mislabelled", BREAKING, "A toolset does not hold what its name says.",                                   "analyze.lint.toolsets:mislabelled"),
    Rule("toolset-empty",       INFO,     "A toolset that the manifest declares holds no tool.",                           "analyze.lint.toolsets:empty", "edit `toolsets` in cask.yaml"),
    Rule("rule-unreachable",    REVIEW,   "No call can reach a rule of the policy: it protects nothing.",                  "analyze.lint.policy:unreachable", "edit the file that `policy:` in cask.yaml names"),
    Rule("budget-unused",       INFO,     "A budget of the policy counts calls of a tool that no rule allows.",            "analyze.lint.policy:unused_budgets", "edit the file that `policy:` in cask.yaml names"),
    Rule("evidence-low",        REVIEW,   "A tool of tier high or critical rests on low evidence, and nobody approved it.", "analyze.lint.evidence:low", "cask gate allow TOOL"),
    Rule("schema-root",         BREAKING, "The root of a schema is no plain object: some clients then show no tool at all.", "analyze.lint.schemas:root", EXCLUDE),
    Rule("schema-reference",    BREAKING, "A `$ref` leads nowhere, or out of the schema.",                                 "analyze.lint.schemas:references", EXCLUDE),
    Rule("schema-key",          BREAKING, "The key of an argument is one that model interfaces refuse.",                   "analyze.lint.schemas:keys", EXCLUDE),
    Rule("schema-open",         BREAKING, "The input schema takes arguments that it does not name.",                       "analyze.lint.schemas:open_", EXCLUDE),
    Rule("schema-bare",         REVIEW,   "A schema of an argument says nothing (`true` or `{}`).",                        "analyze.lint.schemas:bare", EXCLUDE),
    Rule("schema-deep",         REVIEW,   "A schema nests deeper than 12 levels.",                                         "analyze.lint.schemas:deep", EXCLUDE),
    Rule("schema-large",        REVIEW,   "A tool takes more than 5,000 tokens of each list.",                             "analyze.lint.schemas:large", EXCLUDE),
    Rule("enum-of-one",         INFO,     "An argument has one possible value.",                                           "analyze.lint.schemas:single"),
    Rule("duplicate-request",   REVIEW,   "Two tools send the same requests.",                                             "analyze.lint.duplicates:requests", EXCLUDE),
    Rule("place-crowded",       REVIEW,   "Tools differ in one word of the path and answer alike: the words may be ids, and each is a tool.", "analyze.lint.places:crowded", PATHS),
    Rule("place-single",        INFO,     "A parameter of a path had one value in all requests: it may be a word.",        "analyze.lint.places:single", PATHS),
    Rule("host-answers-alike",  REVIEW,   "A host answers everything alike: then no answer shows that an operation exists.", "analyze.lint.places:alike", "record the API itself, or leave the host out of `hosts` in cask.yaml"),
    Rule("budget-exceeded",     REVIEW,   "The toolset `default` is larger than `tools.budget` allows.",                   "analyze.lint.size:exceeded"),
    Rule("surface-large",       INFO,     "There are more tools than agents choose well from, and no budget.",             "analyze.lint.size:large", "set `tools.budget` in cask.yaml"),
    Rule("client-name",         BREAKING, "With the server's prefix the name is longer than a client takes.",              "analyze.lint.clients:names", RENAME, clients=True),
    Rule("client-description",  BREAKING, "A description is longer than a client takes.",                                  "analyze.lint.clients:descriptions", clients=True),
    Rule("client-schema",       BREAKING, "A client drops or refuses a form of schema.",                                   "analyze.lint.clients:forms", EXCLUDE, clients=True),
    Rule("client-count",        INFO,     "There are more tools than a client uses at once: serve a toolset.",             "analyze.lint.clients:count", "cask serve --toolset default", clients=True),
)
# fmt: on

BY_ID: Final = {row.id: row for row in RULES}

UNUSED: Final = "suppression-unused"
"""The code of a suppression that suppresses nothing."""

ACCEPTED: Final = "lint-accepted"
"""The code under which `check` tells what `lint.yaml` accepts."""
