"""The twin: a loopback upstream that answers as the recorded one did. Pure but for `server`."""
