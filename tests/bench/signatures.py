"""What verifying a lock costs: `python -m tests.bench.signatures ours|bare PROJECT`, the same statements twenty times over.

ours: `statements.examine`, as the door does it. bare: the library's own `verify` on the same bytes, made ready before. Both read the lock once.
"""

import sys
from pathlib import Path

from caskmcp import canon
from caskmcp.govern import lockfile, statements, trust
from caskmcp.govern.public import decode, public_key
from caskmcp.govern.verify import SIGNATURE_SIZE, pae
from caskmcp.model.statement import PAYLOAD_TYPE
from caskmcp.store.layout import Root

TIMES = 20


def main(how: str, project: Path) -> None:
    """Verify. AssertionError if a statement does not hold."""
    pack = Root(project / ".caskmcp").pack("shop")
    lock = lockfile.read(pack.lock.read_bytes(), "shop")
    chain = trust.chain((pack.trust_root(1).read_bytes(),), "shop")
    rows = [row for group in lock.lock.subjects.values() for row in group]
    ready = [(decode(row.signature, SIGNATURE_SIZE) or b"", pae(PAYLOAD_TYPE, canon.dump(row.statement.payload()))) for row in rows]
    point = public_key(chain.current.keys[rows[0].statement.key])
    for _ in range(TIMES):
        if how == "ours":
            assert not statements.examine(lock, chain).problems
        else:
            for signature, message in ready:
                point.verify(signature, message)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
