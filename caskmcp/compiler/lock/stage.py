"""The stage `lock`: the artifacts in, the pending lock out. Says what each subject would be approved as; has no authority."""

from caskmcp import canon
from caskmcp.compiler.emit.files.form import as_yaml
from caskmcp.compiler.pipeline import Inputs, Outputs
from caskmcp.model.artifact import Auth, Environments
from caskmcp.model.policy import Policy
from caskmcp.model.served import served_digest, shared
from caskmcp.model.statement import Pending, PendingTool
from caskmcp.model.tool import Tools
from caskmcp.model.toolset import Toolsets


def run(inputs: Inputs) -> Outputs:
    """`emit.files` -> `pending`. The records are read from the very bytes that will be served."""
    files = inputs.files_of("emit.files")
    policy = Policy.from_yaml(files["policy.yaml"], "policy.yaml")
    environments = Environments.from_yaml(files["environments.yaml"], "environments.yaml")
    auth = Auth.from_yaml(files["auth.yaml"], "auth.yaml")
    tools = Tools.from_json(files["tools.json"], "tools.json")
    toolsets = Toolsets.from_yaml(files["toolsets.yaml"], "toolsets.yaml")
    rows = {
        tool.name: PendingTool(
            digest=served_digest(tool, policy, toolsets), risk=tool.risk, operation=tool.operation, confidence=tool.confidence
        )
        for tool in tools.tools
    }
    common: dict[str, str] = {subject: canon.digest(content) for subject, content in sorted(shared(policy, environments, auth).items())}
    return {"pending": as_yaml(Pending(toolpack=inputs.value("project.id"), tools=rows, shared=common))}
