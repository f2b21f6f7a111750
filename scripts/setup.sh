#!/usr/bin/env bash
# Makes .venv and installs what uv.lock names, and bubblewrap, which isolates what code_interpreter and computer run.
# Needs Python 3.11 or newer, and the network the first time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

UV_VERSION=0.13.9
export UV_PYTHON_DOWNLOADS=never

say() { printf '%s\n' "$*" >&2; }
die() {
    say "error: $*"
    exit 1
}

is_new() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

# The first Python that is new enough: the one that PYTHON names, or one of the usual names.
find_python() {
    local name
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if command -v "$name" >/dev/null && is_new "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# Debian and its like split Python into packages; elsewhere, or without root, say what to do.
install_packages() {
    if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
        die "$1. Install it (Debian, Ubuntu: sudo apt-get install $2), then run this again."
    fi
    say "$1: installing $2"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $2; } >&2 ||
        die "$1, and apt-get could not install $2."
}

python=$(find_python) || {
    [ -z "${PYTHON:-}" ] || die "PYTHON=$PYTHON is not Python 3.11 or newer."
    install_packages "Python 3.11 or newer is not here" "python3 python3-venv"
    python=$(find_python) || die "this system's newest Python is older than 3.11; set PYTHON to a newer one."
}

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    install_packages "Python's venv module is not here" "python$version-venv"
fi

if ! { [ -x .venv/bin/python ] && is_new .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
    say "1/3 making .venv with $python"
    "$python" -m venv --clear .venv
fi

if [ "$(.venv/bin/uv --version 2>/dev/null | cut -d ' ' -f 2)" != "$UV_VERSION" ]; then
    say "2/3 installing uv $UV_VERSION into .venv"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" ||
        die "pip could not install uv $UV_VERSION; is the network there?"
fi

packages=$(grep -c '^\[\[package\]\]' uv.lock)
say "3/3 installing what uv.lock names, up to $packages packages; the first time this takes a few minutes"
.venv/bin/uv sync --frozen --extra server --extra code --extra local-embeddings \
    --extra nats --extra postgres --extra s3 --extra telemetry --compile-bytecode --python .venv/bin/python ||
    die "uv could not install what uv.lock names; is the network there?"

if ! command -v bwrap >/dev/null; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        install_packages "bubblewrap is not here" bubblewrap
    else
        say "bubblewrap is not here: code_interpreter and computer stay off until it is installed" \
            "(Debian, Ubuntu: sudo apt-get install bubblewrap)."
    fi
fi
