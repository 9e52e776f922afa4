"""Stories that need more than one room, one file each: the typed Python API, which the commands themselves use."""
