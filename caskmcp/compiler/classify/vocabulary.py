"""What words of paths, operation ids and fields give away. Literal sets, in lower case and ASCII; the rules that use them are in `rules.py`.

A word stands in the most severe set that fits. Singular forms of plurals need no row of their own (`facts.py` looks both up).
"""

from typing import Final

# fmt: off
READ_VERBS: Final = frozenset({
    "aggregate", "autocomplete", "browse", "calculate", "check", "compare", "count", "describe", "detect", "diff", "estimate", "explain", "export",
    "fetch", "filter", "find", "get", "history", "inspect", "lint", "list", "lookup", "match", "paginate", "preview", "query", "quote", "read",
    "recommend", "retrieve", "scan", "search", "select", "show", "simulate", "stats", "suggest", "summarize", "translate", "typeahead", "validate",
    "verify", "view",
})
"""Verbs that ask and change nothing, as far as their names go."""

DESTRUCTIVE_VERBS: Final = frozenset({
    "abandon", "abort", "ban", "block", "burn", "cancel", "clear", "close", "deactivate", "decommission", "del", "delete", "deprovision", "destroy",
    "detach", "disable", "discard", "disconnect", "dismiss", "drain", "drop", "eject", "eliminate", "empty", "erase", "evict", "expel", "expire",
    "expunge", "flush", "forget", "halt", "invalidate", "kick", "kill", "nuke", "nullify", "offboard", "overwrite", "poweroff", "prune", "quarantine",
    "reap", "reboot", "recycle", "reject", "release", "remove", "rescind", "reset", "retire", "revert", "revoke", "rm", "rollback", "scrub", "shred",
    "shutdown", "stop", "suspend", "teardown", "terminate", "trash", "unassign", "unbind", "undeploy", "undo", "uninstall", "unlink", "unmount",
    "unpublish", "unregister", "unset", "unsubscribe", "void", "withdraw", "zap",
})
"""Verbs after which something is gone or no longer works."""

SWEEPING_VERBS: Final = frozenset({
    "destroy", "erase", "nuke", "obliterate", "purge", "shred", "truncate", "wipe",
})
"""Verbs that leave nothing to go back to."""

SWEEPING_WORDS: Final = frozenset({"all", "bulk", "everything", "database", "databases", "tenant", "tenants", "workspace", "workspaces"})
"""With a destructive verb or method: many things at once, or all that others stand on."""

BATCHES: Final = frozenset({"batch", "many", "mass", "multiple"})
"""The same, where the last segment says so beside its verb or alone (`/messages/batchDelete`); elsewhere they are things (`/batches/{batch_id}`)."""

WRITE_VERBS: Final = frozenset({
    "accept", "acknowledge", "activate", "add", "adjust", "allocate", "allowlist", "apply", "approve", "archive", "assign", "attach", "blacklist",
    "book", "buy", "change", "checkin", "claim", "clone", "commit", "complete", "confirm", "convert", "copy", "create", "decrement", "denylist",
    "deploy", "disburse", "dispatch", "donate", "duplicate", "edit", "enable", "enqueue", "enroll", "eval", "exec", "execute", "extend", "favorite",
    "finalize", "finish", "fix", "follow", "forward", "generate", "heartbeat", "hide", "hold", "import", "increment", "insert", "invoke", "join",
    "leave", "like", "link", "lock", "mark", "merge", "migrate", "modify", "move", "mute", "notify", "open", "patch", "pause", "pay", "pin", "post",
    "prepare", "process", "promote", "provision", "publish", "push", "put", "rate", "react", "reassign", "rebuild", "recalculate", "record", "redeem",
    "redeliver", "redirect", "refresh", "regenerate", "register", "reindex", "reissue", "remit", "rename", "renew", "reopen", "reorder", "replace",
    "replay", "reply", "report", "republish", "request", "resend", "reserve", "resolve", "respond", "restart", "restore", "resume", "retry", "rotate",
    "save", "schedule", "sell", "send", "set", "settle", "share", "ship", "sign", "skip", "snooze", "sort", "split", "star", "start", "submit",
    "subscribe", "swap", "switch", "sync", "tag", "toggle", "topup", "touch", "track", "transition", "trigger", "unarchive", "unfollow", "unhide",
    "unlike", "unlock", "unmute", "unpin", "unstar", "update", "upgrade", "upload", "upsert", "use", "vote", "watch", "whitelist", "write",
})
"""Verbs that change something that can be changed again."""

ADDING_VERBS: Final = frozenset({
    "add", "append", "bump", "clone", "copy", "decrement", "duplicate", "enqueue", "forward", "increment", "notify", "push", "redeliver", "regenerate", "reissue", "renew",
    "replay", "resend", "retry", "rotate", "run", "send", "toggle", "topup", "trigger",
})
"""Verbs that do more each time, whatever the method: a call that got no answer is not simply made again."""

HOMOGRAPHS: Final = frozenset({
    "block", "book", "call", "change", "check", "commit", "copy", "export", "function", "history", "hold", "import", "like", "link", "list", "mark", "match", "merge",
    "open", "pin", "post", "preview", "process", "push", "query", "quote", "rate", "record", "release", "report", "request", "review", "schedule", "script", "search",
    "share", "ship", "sign", "sort", "split", "star", "start", "stats", "sync", "tag", "touch", "track", "use", "view", "vote", "watch",
})
"""Verbs that are nouns as often: one counts only if it is the whole segment, and never in a GET (`/block_types`, `GET /report`)."""

PLAIN_NOUNS: Final = frozenset({
    "attachment", "avatar", "bio", "bookmark", "comment", "content", "cover", "data", "description", "document", "draft", "feedback", "file", "form", "image", "input",
    "item", "label", "location", "logo", "media", "message", "metadata", "note", "notes", "photo", "picture", "position", "preferences", "profile", "rating", "reaction",
    "reply", "review", "score", "state", "status", "thumbnail", "title",
})
"""Words below an item that name a part of it, so that a POST there fills the part in."""

MONEY_MOVES: Final = frozenset({
    "disburse", "disbursement", "payout", "remit", "remittance", "settle", "settlement", "transfer", "wire", "withdraw", "withdrawal",
})
"""Money leaves for good."""

MONEY: Final = frozenset({
    "bid", "billing", "buy", "charge", "chargeback", "checkout", "credit", "debit", "deposit", "donate", "donation", "invoice", "pay", "payment",
    "payroll", "purchase", "redeem", "refund", "sell", "subscription", "tip", "topup", "trade", "wallet",
})
"""Somebody pays or is paid."""

BALANCES: Final = frozenset({"balance", "budget", "earning", "revenue", "salary", "spending"})
"""What reads tell about money; nothing that a call moves."""

MONEY_VERBS: Final = frozenset({
    "bid", "buy", "charge", "checkout", "debit", "deposit", "disburse", "donate", "invoice", "pay", "purchase", "redeem", "refund", "remit", "sell", "settle", "tip",
    "topup", "trade", "transfer", "wire", "withdraw",
})
"""Those of both that are verbs; for names alone."""

CREDENTIALS: Final = frozenset({
    "2fa", "apikey", "certificate", "credential", "jwt", "key", "keypair", "mfa", "otp", "passcode", "passphrase", "passwd", "password", "secret", "token", "totp",
})
"""What lets somebody in."""

SESSION_VERBS: Final = frozenset({"authenticate", "authorize", "impersonate", "login", "logoff", "logout", "reauthenticate", "signin", "signout", "signup"})
"""Who is acting changes, whatever the method."""

SESSIONS: Final = frozenset({"auth", "oauth", "saml", "session", "sso"})
"""Who is acting, as things."""

PRIVILEGES: Final = frozenset({"acl", "entitlement", "grant", "iam", "permission", "privilege", "rbac", "role", "sudo", "superuser"})
"""Who may do what."""

PRIVILEGE_AREAS: Final = frozenset({"acl", "iam", "permission", "privilege", "rbac", "role"})
"""Path words below which everything is about who may do what (`/roles/{role_id}/members`)."""

ADMINISTRATION: Final = frozenset({
    "account", "addon", "collaborator", "config", "configuration", "domain", "environment", "extension", "firewall", "group", "integration", "invitation", "invite", "member",
    "membership", "organization", "owner", "plugin", "policy", "quota", "setting", "settings", "team", "tenant", "user", "webhook", "workspace",
})
"""How the service is run, and for whom."""

ADMIN_AREAS: Final = frozenset({"admin", "administration", "administrator", "backoffice", "firewall", "iam", "internal", "root", "sudo", "superadmin", "superuser", "system"})
"""Path words below which everything is administration."""

PEOPLE: Final = frozenset({
    "account", "address", "candidate", "contact", "customer", "employee", "guest", "me", "member", "membership", "patient", "people", "person", "profile", "user",
    "whoami",
})
"""Path words whose answers are about persons."""

EXECUTION: Final = frozenset({
    "action", "actions", "batch", "bulk", "call", "command", "commands", "deploy", "dispatch", "dispatches", "eval", "evaluate", "exec", "execute", "function", "functions",
    "graphql", "invoke", "jsonrpc", "migrate", "procedure", "rpc", "run", "script", "scripts", "shell", "sql", "xmlrpc",
})
"""A generic door: what a call does stands in its body."""

GATES: Final = frozenset({"cmd", "command", "eval", "exec", "execute", "graphql", "jsonrpc", "rpc", "shell", "sql", "xmlrpc"})
"""Those of them that are generic even in a GET."""

SELECTORS: Final = frozenset({"action", "cmd", "command", "do", "method", "op", "operation"})
"""Parameters and fields that choose what a call does."""

CREDENTIAL_FIELDS: Final = frozenset({
    "accesskey", "accesstoken", "apikey", "apisecret", "clientsecret", "credential", "credentials", "currentpassword", "newpassword", "oldpassword", "otp", "passcode",
    "passphrase", "passwd", "password", "pin", "privatekey", "refreshtoken", "secret", "secretkey", "token",
})
"""Body fields with a credential, without separators."""

PAYMENT_FIELDS: Final = frozenset({
    "accountnumber", "beneficiary", "bic", "cardnumber", "cardtoken", "ccnumber", "creditcard", "cvc", "cvv", "iban", "paymentmethod", "paymentmethodid",
    "payee", "pan", "routingnumber", "sortcode", "swift",
})
"""Body fields with a means of payment, without separators."""

PRIVILEGE_FIELDS: Final = frozenset({"isadmin", "issuperuser", "isstaff", "permissions", "privileges", "role", "roles", "scopes"})
"""Body fields that give rights, without separators."""
# fmt: on
