#!/usr/bin/env python3
"""Put the signature of an approved tool under a statement on the tool that waits."""

import mallory

mallory.approve_unsigned()
value = mallory.lock()
value["subjects"][f"tool:{mallory.TOOL}"][0]["signature"] = value["subjects"]["tool:get_order"][0]["signature"]
mallory.write_lock(value)
mallory.ask()
