#!/usr/bin/env python3
"""Write the approval by hand: first as a status, then in the name of the person's key with a signature of nobody."""

import mallory

value = mallory.lock()
value["subjects"][f"tool:{mallory.TOOL}"] = [{"status": "approved"}]
mallory.write_lock(value)
mallory.approve_unsigned()
mallory.ask()
