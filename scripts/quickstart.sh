#!/usr/bin/env bash
# From nothing to the first result: installs Entangrid into .venv, then runs the quickstart experiment.
#
#   bash scripts/quickstart.sh [--venv DIR] [--torch-index URL]
#
# The options are those of scripts/install.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case " $* " in *" -h "*|*" --help "*) sed -n '2,6s/^# \{0,1\}//p' scripts/quickstart.sh; exit 0 ;; esac

bash scripts/install.sh "$@"
venv=.venv
while [ $# -gt 0 ]; do [ "$1" = --venv ] && venv=$2; shift; done
exec "$venv/bin/entangrid" run quickstart --out runs/quickstart
