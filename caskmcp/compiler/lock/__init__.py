"""Lock: the digest of every subject as compiled, for people to approve."""
