#!/usr/bin/env bash
# Installs what `python -m pytest tests/obs` needs beside the product, on Debian, as root.
#
#   install.sh [PYTHON]     the Python that runs the tests (default: .venv/bin/python)
set -euo pipefail
PYTHON=${1:-$(dirname "$0")/../../.venv/bin/python}
PACKAGES="obs-studio obs-plugins xvfb iproute2 util-linux libgl1-mesa-dri fonts-dejavu-core"

# shellcheck disable=SC2086  # words on purpose
if ! dpkg -s $PACKAGES >/dev/null 2>&1; then
    if [ "$(id -u)" != 0 ]; then
        echo "missing: sudo apt-get install --no-install-recommends $PACKAGES" >&2
        exit 3
    fi
    apt-get update -q >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $PACKAGES >/dev/null
fi
if ! "$PYTHON" -c "import obsws_python" 2>/dev/null; then
    "$PYTHON" -m pip install --quiet --disable-pip-version-check "obsws-python>=1.7"
fi
