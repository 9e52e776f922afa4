"""The one place that decides risk: a literal table. Every rule that finds something counts; the most severe tier and effect win.

A rule only ever raises: the rows of the first block, of which exactly one fits any operation, say where it starts. Finders give the evidence as
text that comes from the tables of `vocabulary.py`, never from traffic, and that holds no count, so that more traffic does not change what was approved.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from caskmcp.compiler.classify import vocabulary as v
from caskmcp.compiler.classify.facts import READ_METHODS, VERBS, WRITE_METHODS, Facts
from caskmcp.model.tool import Effect, Tier

Finds = Callable[[Facts], str]
"""Evidence, or empty text if the rule does not apply."""


class Rule(NamedTuple):
    """One row."""

    id: str
    tier: Tier
    effect: Effect
    message: str
    """Why this costs what it costs; the rule's line in the reference."""
    finds: Finds


def _word(words: frozenset[str], table: frozenset[str], kind: str = "path word") -> str:
    found = sorted(words & table)
    return f"{kind} `{found[0]}`" if found else ""


def _verb(facts: Facts, table: frozenset[str]) -> str:
    found = facts.changes and facts.verb(table)
    return f"verb `{found}`" if found else ""


# ---------------------------------------------------------------- where it starts
def _graphql_query(facts: Facts) -> str:
    return "the text that is sent is a query" if facts.text_kind == "query" else ""


def _graphql_mutation(facts: Facts) -> str:
    return "the text that is sent is a mutation" if facts.text_kind == "mutation" else ""


def _read_method(facts: Facts) -> str:
    return f"method {facts.method}" if facts.method in READ_METHODS and not facts.text_kind else ""


def _documented_search(facts: Facts) -> str:
    return f"a document names it a read, and its path says `{facts.asking_verb}`" if facts.documented_asking else ""


def _unproven_search(facts: Facts) -> str:
    return f"method POST, path word `{facts.asking_verb}`" if facts.asks and not facts.documented_asking else ""


def _write_method(facts: Facts) -> str:
    fits = facts.method in WRITE_METHODS - {"DELETE"} and not facts.asks and not facts.text_kind
    return f"method {facts.method}" if fits else ""


def _delete_method(facts: Facts) -> str:
    return "method DELETE" if facts.method == "DELETE" else ""


def _unknown_method(facts: Facts) -> str:
    return "a method without a known meaning" if facts.method not in READ_METHODS | WRITE_METHODS else ""


# ---------------------------------------------------------------- what its words say
def _changing_get(facts: Facts) -> str:
    by = "a query" if facts.text_kind else f"method {facts.method}"
    return f"{by}, verb `{facts.changes}`" if facts.method in READ_METHODS and facts.changes else ""


def _creating_get(facts: Facts) -> str:
    """Behaviour over method: an answer that says that something was made (RFC 9110 section 15.3.2)."""
    return f"method {facts.method}, answered 201" if facts.method in READ_METHODS and "201" in facts.contract.statuses else ""


def _destructive_verb(facts: Facts) -> str:
    return _verb(facts, v.DESTRUCTIVE_VERBS)


def _sweeping_verb(facts: Facts) -> str:
    return _verb(facts, v.SWEEPING_VERBS)


def _sweeping_delete(facts: Facts) -> str:
    """A deletion of many: a collection without an id, or a word such as `all`."""
    removes = facts.method == "DELETE" or bool(_verb(facts, v.DESTRUCTIVE_VERBS))
    if removes and (word := _word(facts.resource, v.SWEEPING_WORDS) or _word(frozenset(facts.last), v.BATCHES)):
        return word
    return "method DELETE on a whole collection" if facts.method == "DELETE" and facts.ends_plural else ""


def _account_removal(facts: Facts) -> str:
    removes = facts.method == "DELETE" or bool(_verb(facts, v.DESTRUCTIVE_VERBS))
    return _word(facts.resource, frozenset({"account", "organization", "tenant", "user", "workspace"})) if removes else ""


def _session(facts: Facts) -> str:
    return _verb(facts, v.SESSION_VERBS) or ("" if facts.reads else _word(facts.resource, v.SESSIONS))


def _money_out(facts: Facts) -> str:
    return "" if facts.reads else _word(facts.resource, v.MONEY_MOVES)


def _money(facts: Facts) -> str:
    return "" if facts.reads else _word(facts.resource, v.MONEY)


def _credential_write(facts: Facts) -> str:
    return "" if facts.reads else _word(facts.resource, v.CREDENTIALS)


def _credential_read(facts: Facts) -> str:
    return _word(facts.resource, v.CREDENTIALS) if facts.reads else ""


def _privilege_write(facts: Facts) -> str:
    return "" if facts.reads else _word(facts.resource, v.PRIVILEGES) or _word(facts.words, v.PRIVILEGE_AREAS)


def _administration(facts: Facts) -> str:
    return "" if facts.reads else _word(facts.resource, v.ADMINISTRATION)


def _admin_area(facts: Facts) -> str:
    return "" if facts.reads else _word(facts.words, v.ADMIN_AREAS)


def _admin_read(facts: Facts) -> str:
    return _word(facts.words, v.ADMIN_AREAS) if facts.reads else ""


def _execution(facts: Facts) -> str:
    table = v.GATES if facts.method in READ_METHODS else v.EXECUTION
    found = facts.last[0] if facts.last and facts.last[0] in table else ""
    return f"path word `{found}`" if found else ""


def _unknown_action(facts: Facts) -> str:
    """A POST below one item to a word that no table knows: neither a part of the item nor a known verb."""
    known = v.PLAIN_NOUNS | v.READ_VERBS | v.WRITE_VERBS | v.DESTRUCTIVE_VERBS | v.SWEEPING_VERBS
    fits = facts.method == "POST" and facts.last_after_item and not facts.ends_plural and not (set(facts.last) & known)
    return "a POST to an action that no table knows" if fits else ""


def _foreign_tool(facts: Facts) -> str:
    return "a tool of another MCP server" if facts.is_foreign else ""


def _no_words(facts: Facts) -> str:
    return "the path has no word" if not facts.reads and not facts.literals else ""


# ---------------------------------------------------------------- what it carries
def _selector(facts: Facts) -> str:
    if facts.is_chosen and not any(word in VERBS for row in facts.asked for word in row):
        return "a body field chooses what is done, and no table knows its value"
    if facts.method in READ_METHODS:
        return _word(facts.queries, v.SELECTORS | {"_method"}, "query parameter")
    if {"jsonrpc", "method"} <= facts.top_fields or {"method", "params"} <= facts.top_fields:
        return "body field `method`"
    return _word(facts.top_fields, v.SELECTORS - {"do", "method", "op"}, "body field")


def _payment_field(facts: Facts) -> str:
    return "" if facts.reads else _word(facts.body_fields, v.PAYMENT_FIELDS, "body field")


def _credential_field(facts: Facts) -> str:
    return "" if facts.reads else _word(facts.body_fields, v.CREDENTIAL_FIELDS, "body field")


def _privilege_field(facts: Facts) -> str:
    return "" if facts.reads else _word(facts.body_fields, v.PRIVILEGE_FIELDS, "body field")


def _credential_answer(facts: Facts) -> str:
    return "answers hold a credential" if facts.reads and "credential" in facts.contract.traits else ""


def _pii_answer(facts: Facts) -> str:
    return "answers hold personal data" if facts.reads and "pii" in facts.contract.traits else ""


def _money_read(facts: Facts) -> str:
    return _word(facts.resource, v.MONEY | v.MONEY_MOVES | v.BALANCES) if facts.reads else ""


def _person_read(facts: Facts) -> str:
    return _word(facts.resource, v.PEOPLE) if facts.reads else ""


# fmt: off
RULES: Final = (
    #    id                     tier        effect         message, finder
    # Exactly one of these eight fits: where an operation starts.
    Rule("graphql-query",       "low",      "read",        "GraphQL's own word for reading, in the very text that is sent.", _graphql_query),
    Rule("graphql-mutation",    "medium",   "write",       "GraphQL's own word for changing something.", _graphql_mutation),
    Rule("read-method",         "safe",     "read",        "A method that only reads, by HTTP's own definition.", _read_method),
    Rule("documented-search",   "low",      "read",        "A search by POST: a document and the path both name it a read.", _documented_search),
    Rule("unproven-search",     "medium",   "write",       "Looks like a search, but only its path says so: a person may know better.", _unproven_search),
    Rule("write-method",        "medium",   "write",       "Creates or changes something.", _write_method),
    Rule("delete-method",       "high",     "destructive", "Removes something.", _delete_method),
    Rule("unknown-method",      "high",     "destructive", "What is not known is not harmless.", _unknown_method),
    # Loss that nothing brings back, money that leaves, rights and credentials.
    Rule("sweeping-verb",       "critical", "destructive", "Leaves nothing to go back to.", _sweeping_verb),
    Rule("sweeping-delete",     "critical", "destructive", "Removes many things at once, or what others stand on.", _sweeping_delete),
    Rule("account-removal",     "critical", "destructive", "Removes an account with all that hangs on it.", _account_removal),
    Rule("money-out",           "critical", "write",       "Money leaves for good.", _money_out),
    Rule("credential-write",    "critical", "write",       "Makes or changes what lets somebody in.", _credential_write),
    Rule("privilege-write",     "critical", "write",       "Changes who may do what.", _privilege_write),
    # What a person should be asked about.
    Rule("destructive-verb",    "high",     "destructive", "After it something is gone or no longer works.", _destructive_verb),
    Rule("changing-get",        "high",     "write",       "Reads by its method, changes by its name: behaviour counts.", _changing_get),
    Rule("creating-get",        "high",     "write",       "Reads by its method, but its answers say that it made something.", _creating_get),
    Rule("money",               "high",     "write",       "Somebody pays or is paid.", _money),
    Rule("payment-field",       "high",     "write",       "Takes a means of payment.", _payment_field),
    Rule("session",             "high",     "write",       "Changes who is acting.", _session),
    Rule("credential-field",    "high",     "write",       "Takes a credential.", _credential_field),
    Rule("credential-read",     "high",     "read",        "Hands out what lets somebody in.", _credential_read),
    Rule("privilege-field",     "high",     "write",       "May give somebody rights.", _privilege_field),
    Rule("administration",      "high",     "write",       "Changes how the service is run, or for whom.", _administration),
    Rule("admin-area",          "high",     "write",       "Changes something in the administration.", _admin_area),
    Rule("execution",           "high",     "write",       "A generic door: what a call does stands in its body.", _execution),
    Rule("selector",            "high",     "write",       "A parameter chooses what a call does.", _selector),
    Rule("unknown-action",      "high",     "write",       "What is not known is not harmless.", _unknown_action),
    Rule("foreign-tool",        "high",     "write",       "Only the words of its server say what it does.", _foreign_tool),
    Rule("no-words",            "high",     "write",       "Nothing says what is changed.", _no_words),
    # Reads that tell something.
    Rule("credential-answer",   "medium",   "read",        "Answers hold a credential; the runtime cuts it, as far as its form gives it away.", _credential_answer),
    Rule("pii-answer",          "medium",   "read",        "Answers hold personal data.", _pii_answer),
    Rule("money-read",          "medium",   "read",        "Answers are about money.", _money_read),
    Rule("admin-read",          "medium",   "read",        "Answers are about the administration.", _admin_read),
    Rule("person-read",         "low",      "read",        "Answers are about persons.", _person_read),
)
# fmt: on

START: Final = RULES[:8]
"""The rows of which exactly one fits any operation."""


def findings(facts: Facts) -> tuple[tuple[Rule, str], ...]:
    """The rules that apply, each with its evidence, in the table's order; never empty."""
    # What a call asks for stands in no path.
    rows = ((rule, rule.finds(facts).replace("path word", "word") if facts.asked else rule.finds(facts)) for rule in RULES)
    return tuple((rule, evidence) for rule, evidence in rows if evidence)
