"""From one operation's observations and documents to its contract: parameters, bodies, answers, each statement with its evidence."""
