#!/usr/bin/env bash
# The proof, offline: compile a recording, approve it in a throwaway root, serve it, attack it. Ends with 0 only if every proof held.
# `examples/demo.sh FOLDER` keeps the evidence there.
set -euo pipefail
if [ $# -gt 0 ]; then exec cask demo --out "$1"; fi
exec cask demo
