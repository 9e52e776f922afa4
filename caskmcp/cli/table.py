"""The table of commands, as text: `--help` prints it and imports nothing else. A row's module is imported when its command runs."""

from typing import Final, NamedTuple


class Row(NamedTuple):
    """One command."""

    name: str
    """As typed; a sub-command after a space."""
    shown: bool
    """Whether plain `--help` shows it (the flagship)."""
    help: str
    run: str
    """`module:attribute` below the package: a click command; empty for a group of the rows that begin with its name."""


# fmt: off
COMMANDS: Final = (
    Row("init",           True,  "Write cask.yaml and the git files; finds specs and recordings nearby.", "cli.init:init"),
    Row("mint",           True,  "From a recording, spec or address to a compiled toolpack, and the next commands.", "cli.mint:mint"),
    Row("build",          True,  "Compile what is stale and nothing else.",                             "cli.build:build"),
    Row("diff",           True,  "Risk-classified capability diff: what is approved against what was built.", "cli.diff:diff"),
    Row("drift",          True,  "What a service does now, measured from the approved baseline.",         "cli.drift:drift"),
    Row("verify",         True,  "Judge what approved tools answer: contracts, replay, outcomes, provenance.", "cli.verify:verify"),
    Row("gate",           True,  "Review and sign: allow, block, review, status, list, sync, check, snapshot.", ""),
    Row("gate allow",     False, "Approve tools with a signature. Needs a person at a terminal.",        "cli.gate:allow"),
    Row("gate block",     False, "Take a tool away. Works anywhere, at once, without a key.",           "cli.gate:block"),
    Row("gate status",    False, "What is approved, what waits, what is not valid.",                    "cli.gate:status"),
    Row("gate list",      False, "The statements of the lock.",                                         "cli.gate:listing"),
    Row("gate sync",      False, "Drop statements of subjects that no longer exist.",                   "cli.gate:sync"),
    Row("gate check",     False, "The lock and signature steps of `cask check`.",                       "cli.gate:check"),
    Row("gate snapshot",  False, "Write the baseline from what is approved. Needs a person at a terminal.", "cli.gate:snapshot"),
    Row("gate review",    False, "Look at what waits, one at a time; one signature at the end. Needs a person at a terminal.", "cli.gate:review"),
    Row("git",            False, "What git calls: the merge driver of the lock, the diff driver of tools.json.", ""),
    Row("git merge-lock", False, "Merge the approvals of two branches.",                                "cli.git:merge_lock"),
    Row("git diff-surface", False, "Show changes of tools.json tool by tool.",                          "cli.git:diff_surface"),
    Row("check",          True,  "The one CI gate: reproducible, locked, signed, nothing broader.",     "cli.check:check"),
    Row("serve",          True,  "Serve the approved tools through MCP on stdio.",                      "cli.serve:serve"),
    Row("enforce",        False, "The same decisions for plain HTTP: evaluate, proxy.",                  ""),
    Row("enforce evaluate", False, "What would be decided on one request; sends nothing.",               "cli.enforce:evaluate"),
    Row("enforce proxy",  False, "Send plain HTTP requests that an approved tool could make.",           "cli.enforce:proxy"),
    Row("inspect",        False, "A read-only MCP server about the governance state: why was I denied, what waits.", "cli.inspect:inspect"),
    Row("propose",        False, "Drafts of tools: file, list, show, promote, reject.",                 ""),
    Row("propose file",   False, "File a draft for a person to look at.",                               "cli.propose:file"),
    Row("propose list",   False, "The drafts that wait for a person.",                                  "cli.propose:listing"),
    Row("propose show",   False, "One draft, whole.",                                                   "cli.propose:show"),
    Row("propose promote", False, "Write a draft as a specification and build it. Needs a person at a terminal.", "cli.propose:promote"),
    Row("propose reject", False, "Take a draft off the list.",                                          "cli.propose:reject"),
    Row("config",         True,  "The snippet for an MCP client; --install edits its file, with a backup.", "cli.config:config"),
    Row("demo",           True,  "Offline proof: compile, approve, serve, attack itself.",              "cli.demo:demo"),
    Row("capture",        False, "Bring traffic in: import, record, proxy, otlp, mcp, webmcp, list, forget.", ""),
    Row("capture import", False, "Take recordings and specs from anywhere into the project.",           "cli.capture:take"),
    Row("capture record", False, "Record a browser session: headed, headless or driven by a script.",   "cli.record:record"),
    Row("capture proxy",  False, "Record the traffic of any program through mitmproxy.",                "cli.proxy:proxy"),
    Row("capture setup-proxy", False, "Install mitmproxy for cask alone.",                              "cli.proxy:setup"),
    Row("capture otlp",   False, "Receive OpenTelemetry traces on this machine.",                        "cli.otlp:otlp"),
    Row("capture mcp",    False, "Record what an existing MCP server offers.",                           "cli.mcp:mcp"),
    Row("capture webmcp", False, "Record what a site offers to agents: WebMCP tools, .well-known documents.", "cli.webmcp:webmcp"),
    Row("capture list",   False, "The captures under the root.",                                        "cli.capture:listing"),
    Row("capture forget", False, "Remove a capture and the part of the observations that it gave.",     "cli.capture:forget"),
    Row("keys",           False, "Signing keys: new, list, export, rotate, revoke.",                    ""),
    Row("keys new",       False, "Make a key with a passphrase, or refer to one of an ssh-agent. Needs a person at a terminal.", "cli.keys:new"),
    Row("keys list",      False, "The keys in the user's configuration folder, and their roles.",       "cli.keys:listing"),
    Row("keys export",    False, "Print a public key, or write what it signed for `ssh-keygen -Y verify`.", "cli.keys:export"),
    Row("keys rotate",    False, "Put a new key in the place of an old one. Needs a person at a terminal.", "cli.keys:rotate"),
    Row("keys revoke",    False, "Take a key out of the trust root. Needs a person at a terminal.",     "cli.keys:revoke"),
    Row("trust",          False, "The trust root: init, show, edit, pin.",                              ""),
    Row("trust init",     False, "Make version 1 of the trust root and pin it here. Needs a person at a terminal.", "cli.trust:init"),
    Row("trust show",     False, "The trust root and the pin of this machine.",                         "cli.trust:show"),
    Row("trust edit",     False, "Change roles, keys and thresholds. Needs a person at a terminal.",      "cli.trust:edit"),
    Row("trust pin",      False, "Accept a trust root on this machine. Needs a person at a terminal.",  "cli.trust:pin"),
    Row("confirm",        False, "Answer challenges: list, grant, deny, console.",                      ""),
    Row("confirm list",   False, "The challenges that wait for a person.",                              "cli.confirm:listing"),
    Row("confirm grant",  False, "Grant one call. Needs a person at a terminal.",                       "cli.confirm:grant"),
    Row("confirm deny",   False, "Refuse one call.",                                                    "cli.confirm:deny"),
    Row("confirm console", False, "Answer in a browser on this machine. Needs a person at a terminal.", "cli.confirm:console"),
    Row("lint",           False, "Hygiene of what was compiled: wording, hidden text, secrets, schemas, budget.", "cli.lint:lint"),
    Row("scopes",         False, "Scopes: yours and the suggested ones; `merge` adds what scopes.yaml lacks.", "cli.scopes:scopes"),
    Row("bundle",         False, "The toolpack as one file, with the lock's signatures; --sign adds one.", "cli.bundle:bundle"),
    Row("install",        False, "Verify a bundle and put its toolpack under the root.",                "cli.install:install"),
    Row("state",          False, "What lies under the root: verify, gc, unlock.",                       ""),
    Row("state verify",   False, "Look whether anything under the root is damaged.",                    "cli.state:verify"),
    Row("state gc",       False, "Remove what nobody needs; --dry-run lists it.",                       "cli.state:gc"),
    Row("state unlock",   False, "Remove lock files that no process holds.",                            "cli.state:unlock"),
    Row("audit",          False, "The record of decisions: verify, query.",                             ""),
    Row("audit verify",   False, "Check every line, seal and segment of the record; names the first bad line.", "cli.audit:verify"),
    Row("audit query",    False, "The decisions on record, by tool, verdict, caller, time or id.",      "cli.audit:query"),
    Row("compliance",     False, "Controls and evidence for three frameworks, each sentence with a digest.", "cli.compliance:compliance"),
    Row("evidence",       False, "What runs of verify and probes kept: verify, list, prune.",            ""),
    Row("evidence verify", False, "Check every file of the evidence; names what was changed, removed or moved.", "cli.evidence:verify"),
    Row("evidence list",  False, "The runs whose evidence is kept.",                                    "cli.evidence:listing"),
    Row("evidence prune", False, "Remove the evidence of old runs: --retain 30d.",                      "cli.evidence:prune"),
    Row("why",            False, "Why a call was allowed, denied or held, and what mends it.",          "cli.why:why"),
    Row("migrate",        False, "Bring files of earlier formats to the present one; names what earlier versions left.", "cli.migrate:migrate"),
    Row("doctor",         False, "What this machine and this project lack.",                            "cli.doctor:doctor"),
    Row("repair",         False, "What is wrong, why that is believed, and the commands that mend it.",  "cli.repair:repair"),
    Row("policy",         False, "The policy of the toolpack: test.",                                   ""),
    Row("policy test",    False, "A table of cases against the policy that was built.",                  "cli.policy:test"),
    Row("explain",        False, "The evidence behind a tool or a field.",                               "cli.explain:explain"),
    Row("graph",          False, "Draw the build as text or Mermaid.",                                  "cli.graph:graph"),
)

ALIASES: Final = (
    # earlier name      today
    ("plan",           "diff"),
    ("approve",        "gate"),
    ("run",            "serve"),
    ("compile",        "build"),
    ("mcp serve",      "serve"),
    ("mcp inspect",    "inspect"),
    ("mcp meta",       "inspect"),
    ("openapi",        "capture import"),
)
# fmt: on
