"""`cask confirm console`: challenges answered in a browser on this machine."""
