"""Who may approve what, and the one door: keys, statements, the trust root, the pin, and `admit`. Knows no runtime."""
