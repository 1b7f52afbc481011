#!/bin/sh
# A virtual environment: with uv where it is present, else with venv; where Debian left ensurepip out, with a uv of our own.
set -eu
venv=$1
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit("Python 3.11 or newer is needed.") if sys.version_info < (3, 11) else None'
if command -v uv >/dev/null 2>&1; then
    exec uv venv --quiet --clear --python "$python" "$venv"
fi
if "$python" -c 'import ensurepip' 2>/dev/null; then
    exec "$python" -m venv --clear "$venv"
fi
"$python" -m pip install --quiet --target .tools uv
exec .tools/bin/uv venv --quiet --clear --python "$python" "$venv"
