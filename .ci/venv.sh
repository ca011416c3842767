#!/bin/sh
# Makes a virtual environment: venv.sh PYTHON FOLDER. Debian and Ubuntu ship Python without ensurepip: says or installs what is missing.
set -eu
python=$1
folder=$2

if "$python" -m venv "$folder" >/dev/null 2>&1 && [ -x "$folder/bin/pip" ]; then exit 0; fi
rm -rf "$folder"
if "$python" -c 'import ensurepip, venv' 2>/dev/null; then exec "$python" -m venv "$folder"; fi

package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "Installing $package, which this Python lacks." >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" >/dev/null 2>&1 ||
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" >/dev/null; }
    exec "$python" -m venv "$folder"
fi
echo "$python cannot make a virtual environment: its ensurepip module is missing." >&2
echo "On Debian or Ubuntu: sudo apt install $package   Then run make again." >&2
exit 1
