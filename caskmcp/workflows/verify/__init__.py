"""`cask verify`: approved tools are called through the runtime's own gateway, and what they answer is judged; one file a mode."""
