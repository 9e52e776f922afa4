#!/usr/bin/env bash
# From a recording to reviewed tools, without a person: what `mint` makes of it, what `diff` says of that, and that nothing of it is served yet.
#   examples/mint_demo.sh                       the recording that comes with the program
#   examples/mint_demo.sh shop.har HOST [DIR]   one of your own; DIR (a new folder) keeps the project
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
recording=${1:-$here/caskmcp/workflows/demo/recording.har}
host=${2:-api.shop.example}
recording=$(cd "$(dirname "$recording")" && pwd)/$(basename "$recording")
if [ -n "${3:-}" ]; then
    mkdir "$3" && project=$(cd "$3" && pwd)
else
    project=$(mktemp -d)
    trap 'rm -rf "$project"' EXIT
fi

expect() { # expect STATUS COMMAND...: show a command, run it, and end here if it ends otherwise
    local wanted=$1 status=0
    shift
    printf '\n$ %s\n' "$*"
    "$@" </dev/null || status=$?
    [ "$status" = "$wanted" ] || { echo "ended with $status, not with $wanted" >&2; exit 1; }
}

cd "$project"
cp -- "$recording" recording.har
expect 0 cask mint recording.har -a "$host"
expect 1 cask diff
expect 0 cask build --locked
expect 4 cask serve
printf '\nNothing is served before a person approves: cask gate allow --all\n'
