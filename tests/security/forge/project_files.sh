#!/bin/sh
# Leave modules and settings in the repository, where a program that reads its working directory would take them.
for name in sitecustomize usercustomize click yaml caskmcp; do
    echo "raise SystemExit('taken from the working directory')" > "$name.py"
done
printf 'XDG_CONFIG_HOME=%s/evil\nPYTHONPATH=%s\nCASK_TRUST_PIN=\n' "$PWD" "$PWD" > .env
printf 'import sys; sys.exit()\n' > evil.pth
exec "$FORGE_JUDGE"
