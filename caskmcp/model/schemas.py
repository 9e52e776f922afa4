"""Which records are published as JSON Schema under `schemas/`. Rows are resolved on use."""

from typing import Final

SCHEMAS: Final = {
    "cask": "model.project:Project",
    "lint": "model.lint:LintFile",
    "mcp-surface": "model.mcp_surface:McpSurface",
    "discovery": "model.discovery:Discovery",
    "observations": "model.observation:Observations",
    "contracts": "model.contract:Contracts",
    "tools": "model.tool:Tools",
    "toolsets": "model.toolset:Toolsets",
    "policy": "model.policy:Policy",
    "policy-additions": "model.policy:Additions",
    "policy-cases": "model.policy_case:PolicyCases",
    "scopes.suggested": "model.scope:Scopes",
    "scopes": "model.scope:OwnScopes",
    "baseline": "model.artifact:Baseline",
    "coverage": "model.artifact:Coverage",
    "environments": "model.artifact:Environments",
    "auth": "model.artifact:Auth",
    "toolpack": "model.artifact:Toolpack",
    "lock": "model.statement:Lock",
    "lock.pending": "model.statement:Pending",
    "bundle": "model.bundle:SignedManifest",
    "trust-root": "model.trust:SignedRoot",
    "pin": "model.trust:Pin",
    "verify": "model.verification:VerifyFile",
    "evidence": "model.evidence:Manifest",
    "key-reference": "model.trust:KeyReference",
}
