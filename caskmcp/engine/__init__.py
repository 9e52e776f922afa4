"""The build: action keys, the plan of what is stale and why, and doit as the runner. Knows no stage by name."""
