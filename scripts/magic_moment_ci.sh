#!/usr/bin/env bash
# The story of governance, unattended: a write is blocked until a person approves it, a call of it is asked for, and drift fails the gate until a
# person has approved what changed. Needs `cask` on the PATH and a Python 3.11 or newer; a service on 127.0.0.1 plays the shop, a pseudo-terminal
# the person, pipes the agent. Everything lies in a folder of its own, which is removed. Ends with 0 only if every line held.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
scene=$(mktemp -d)
service=
trap '[ -z "$service" ] || kill "$service" 2>/dev/null; rm -rf "$scene"' EXIT
export HOME=$scene/home XDG_CONFIG_HOME=$scene/home/.config XDG_STATE_HOME=$scene/home/.state XDG_DATA_HOME=$scene/home/.data NO_COLOR=1
export SHOP_TOKEN=not-a-secret-9f31
unset CASK_TRUST_PIN SSH_AUTH_SOCK
mkdir -p "$scene/home" "$scene/project"
cd "$scene/project"

# ---------------------------------------------------------------- the person, the agent, the shop
# A person at a terminal: types a passphrase, and the names that are asked for. What is shown on the terminal is shown here.
cat >"$scene/person.py" <<'PYTHON'
import os, pty, re, sys

ANSWERS = (
    (rb"Passphrase for [^:\r\n]+: *$", lambda found: b"a passphrase of nobody"),
    (rb"Type `([^`\r\n]+)` to sign: *$", lambda found: found[1]),
)
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen = b""
while True:
    try:
        data = os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end is closed
        break
    if not data:
        break
    sys.stdout.buffer.write(data.replace(b"\r\n", b"\n"))
    sys.stdout.flush()
    seen += data
    for form, reply in ANSWERS:
        if found := re.search(form, seen):
            os.write(terminal, reply(found) + b"\n")
            seen = b""
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
PYTHON

# An agent: its client starts `cask serve`, lists, and makes one call. Prints the tools, then the code of a refusal with its challenge, or `answered`.
cat >"$scene/agent.py" <<'PYTHON'
import json, subprocess, sys

meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "agent", "version": "0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
asked = (("tools/list", {}), ("tools/call", {"name": sys.argv[1], "arguments": json.loads(sys.argv[2])}))
lines = [json.dumps({"jsonrpc": "2.0", "id": n, "method": m, "params": {**p, "_meta": meta}}) for n, (m, p) in enumerate(asked)]
done = subprocess.run(
    ["cask", "serve", "--env", "local"], input="\n".join(lines) + "\n", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60
)
answers = {row["id"]: row for row in map(json.loads, done.stdout.splitlines()) if "id" in row}
if not answers:
    sys.exit(done.returncode or 1)
print("listed:", *(row["name"] for row in answers[0]["result"]["tools"]))
result = answers[1].get("result", {"isError": True})
error = result.get("_meta", {}).get("dev.caskmcp/error", {})
print(f"refused: {error.get('code', 'unknown tool')} {error.get('challenge', '')}".strip() if result.get("isError") else "answered")
PYTHON

# The shop: answers as it was recorded, and writes down every request.
cat >"$scene/shop.py" <<'PYTHON'
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

ORDER = {
    "id": 1002, "product_id": 4, "quantity": 10, "status": "cancelled",
    "customer_id": "5f0c2f7e-6c1b-4d0e-9a53-0d8b7f6f3c11", "created_at": "2026-03-02T14:05:00Z",
}


class Shop(BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with open(sys.argv[1] + "/heard", "a") as file:
            print(self.command, self.path, self.headers.get("Authorization") == "Bearer " + os.environ["SHOP_TOKEN"], file=file)
        data = json.dumps(ORDER if self.command == "POST" else {"items": [], "total": 0}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *words):
        pass


server = HTTPServer(("127.0.0.1", 0), Shop)
with open(sys.argv[1] + "/port.new", "w") as file:
    file.write(str(server.server_port))
os.rename(sys.argv[1] + "/port.new", sys.argv[1] + "/port")
server.serve_forever()
PYTHON

person() { "$python" -I "$scene/person.py" "$@"; }
agent() { "$python" -I "$scene/agent.py" "$@" </dev/null; }

chapter() { printf '\n== %s\n' "$*"; }
failed() { echo "magic_moment_ci: $*" >&2; exit 1; }

expect() { # expect STATUS COMMAND...: without a terminal, unless the command is `person`
    local wanted=$1 status=0
    shift
    printf '$ %s\n' "$*"
    "$@" </dev/null >"$scene/said" 2>&1 || status=$?
    sed -n '1,12s/^/    /p' "$scene/said"
    [ "$status" = "$wanted" ] || { cat "$scene/said" >&2; failed "ended with $status, not with $wanted: $*"; }
}
says() { grep -qF -- "$1" "$scene/said" || { cat "$scene/said" >&2; failed "nothing said: $1"; }; }
heard() { # heard COUNT: so many requests reached the shop
    local count=0
    [ ! -f "$scene/heard" ] || count=$(grep -c . "$scene/heard")
    [ "$count" = "$1" ] || failed "the shop heard $count requests, not $1"
}

"$python" -I "$scene/shop.py" "$scene" &
service=$!
for _ in $(seq 200); do [ ! -f "$scene/port" ] || break; sleep 0.05; done
port=$(cat "$scene/port")

# ---------------------------------------------------------------- the story
chapter "A recording becomes tools; nobody approved any, so none is served"
cp "$here/caskmcp/workflows/demo/recording.har" monday.har
cat >cask.yaml <<YAML
version: 1
name: magic-shop
hosts: [api.shop.example]
sources: [{har: "*.har"}]
tools: {exclude: ["DELETE /v1/products/{product_id}"]}
auth: {api.shop.example: {scheme: bearer, from: env:SHOP_TOKEN}}
environments: {local: {api.shop.example: {url: "http://127.0.0.1:$port", private: true}}}
YAML
expect 0 cask build
expect 4 cask serve --env local

chapter "A person trusts a key and approves reading; the write stays blocked"
expect 0 person cask keys new alice
expect 0 person cask trust init --key alice
expect 0 person cask gate allow list_products list_orders policy env:local auth:api.shop.example --reason "reading is fine"
expect 0 agent cancel_order '{"order_id": 1002}'
says "listed: list_orders list_products"
says "refused: unknown tool"
heard 0

chapter "The agent has a shell, and no terminal: it cannot approve"
expect 4 cask gate allow cancel_order --reason "it is fine" --key alice
heard 0

chapter "A person approves the write; each call of it is still asked for"
expect 0 person cask gate allow cancel_order --reason "support needs it"
expect 0 agent cancel_order '{"order_id": 1002}'
says "refused: CASK-R005"
challenge=$(sed -n 's/^refused: CASK-R005 //p' "$scene/said")
expect 4 cask confirm grant "$challenge"
heard 0

chapter "A person confirms that one call; it goes through once"
expect 0 person cask confirm grant "$challenge"
expect 0 agent cancel_order '{"order_id": 1002}'
says "answered"
heard 1
grep -qx 'POST /v1/orders/1002/cancel True' "$scene/heard" || failed "the shop heard something else"
expect 0 agent cancel_order '{"order_id": 1002}'
says "refused: CASK-R005"
heard 1

chapter "The rest is approved, and the baseline taken: the gate is open"
expect 0 person cask gate allow --all --reason "first review"
expect 0 person cask gate snapshot
expect 0 cask check
expect 0 cask drift

chapter "The service drifts: products carry an address now. The gate fails"
sed 's/\\"price_cents\\":/\\"contact_email\\":\\"ann@mail.example\\",&/g' monday.har >"$scene/tuesday.har"
expect 1 cask drift --capture "$scene/tuesday.har"
says "pii-appeared"
mv "$scene/tuesday.har" tuesday.har
expect 0 cask build
expect 1 cask check
says "get_product"
expect 1 cask drift
expect 0 agent get_product '{"product_id": 1}'
says "refused: unknown tool"
heard 1

chapter "A person reviews what changed, approves it and takes the baseline anew: the gate is open again"
expect 0 person cask gate allow --all --reason "the address is public"
expect 0 person cask gate snapshot
expect 0 cask check
expect 0 cask drift

printf '\nEvery line held.\n'
