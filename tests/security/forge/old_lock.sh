#!/bin/sh
# Put back a lock of the history, in which the tool was still approved: the person took that back, signed, and the server saw it.
cp "$FORGE_OLD_LOCK" .caskmcp/toolpacks/shop/lockfile/caskmcp.lock.yaml
exec "$FORGE_JUDGE"
