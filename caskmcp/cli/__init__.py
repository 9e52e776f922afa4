"""The command line: one file a command, each short: parse, call one function, show. No rule of any kind."""
