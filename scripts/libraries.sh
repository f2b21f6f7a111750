#!/usr/bin/env bash
# Exports the dependency group `sandbox` of uv.lock, with hashes, for `projectdavid sandbox install`.
# With --check, only says whether the exported file is that of the lock.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

file=src/projectdavid/adapters/sandboxes/local/libraries.txt
exported=$(mktemp)
trap 'rm -f "$exported"' EXIT
.venv/bin/uv export --frozen --offline --quiet --only-group sandbox --no-header --no-annotate --no-emit-project \
    --format requirements-txt --output-file "$exported" >/dev/null
if [ "${1-}" = --check ]; then
    cmp --silent "$exported" "$file" || {
        echo "$file is not what uv.lock says: run scripts/libraries.sh" >&2
        exit 1
    }
else
    cp "$exported" "$file"
fi
