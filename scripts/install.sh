#!/bin/sh
# Installs a lock file with its hashes, then the project itself without looking for anything else.
set -eu
venv=$1
lock=$2
uv=$(command -v uv || true)
[ -z "$uv" ] && [ -x .tools/bin/uv ] && uv=.tools/bin/uv
if [ -n "$uv" ]; then
    VIRTUAL_ENV="$PWD/$venv" "$uv" pip install --quiet --require-hashes -r "$lock"
    VIRTUAL_ENV="$PWD/$venv" "$uv" pip install --quiet --no-deps --no-build-isolation -e .
else
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
fi
