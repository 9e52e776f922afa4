"""What happens to a call: decided, prepared, sent, answered, recorded; and the MCP server in front of it."""
