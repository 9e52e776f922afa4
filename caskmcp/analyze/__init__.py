"""Questions about records, answered as findings: what changed, and what it means. Never reads a file, never approves."""
