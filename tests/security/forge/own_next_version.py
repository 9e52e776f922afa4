#!/usr/bin/env python3
"""Add a version 2 of the trust root that names our key as well, signed by ourselves."""

import json

import mallory

from caskmcp.model.trust import SignedRoot

first = SignedRoot.model_validate_json(json.dumps(json.loads(mallory.PACK.trust_root(1).read_bytes()))).signed
key = mallory.own_key()
mallory.write_root(mallory.own_root(key, version=2, also=first), key)
mallory.approve(key, [f"tool:{mallory.TOOL}"], root_version=2)
mallory.ask()
