#!/usr/bin/env bash
# Makes the virtual environment that quickstart.sh and test.sh share; sourced or run by them, and safe to run alone.
#
#   bash scripts/install.sh [--venv DIR] [--torch-index URL]
#
#   --venv DIR          where the environment goes (default: .venv)
#   --torch-index URL   package index for torch alone: PyTorch's own CPU index saves a Linux machine without a GPU
#                       several GB of CUDA libraries
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() { sed -n '2,9s/^# \{0,1\}//p' scripts/install.sh; }
venv=.venv
torch_index=()
while [ $# -gt 0 ]; do
  case $1 in
    --venv) venv=${2:?--venv needs a folder}; shift 2 ;;
    --torch-index) torch_index=(--index-url "${2:?--torch-index needs an address}"); shift 2 ;;
    -h|--help) usage; exit 0 ;;
    *) printf 'install.sh: unknown option %s (try --help)\n' "$1" >&2; exit 2 ;;
  esac
done

python=${PYTHON:-python3}
"$python" - <<'PY' || exit 2
import sys
if sys.version_info < (3, 11):
    sys.exit(f"Entangrid needs Python 3.11 or newer; this is {sys.version.split()[0]} (set PYTHON to another one)")
PY

# The stamp makes a second run free, and an edited requirement or pyproject.toml install again.
stamp=$(cat requirements/*.txt pyproject.toml | cksum | tr ' ' -)
if [ "$(cat "$venv/.entangrid-stamp" 2>/dev/null || true)" != "$stamp" ]; then
  printf '== Installing into %s (about 1 GB of downloads with a CPU build of torch)\n' "$venv"
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
  pip=("$venv/bin/python" -m pip --disable-pip-version-check --quiet)
  # torch first: whatever is installed later finds it there and does not replace it
  "${pip[@]}" install ${torch_index[@]+"${torch_index[@]}"} -r requirements/torch.txt
  "${pip[@]}" install -r requirements/lock.txt
  "${pip[@]}" install --no-deps -r requirements/torchquantum.txt
  "${pip[@]}" install --no-deps --no-build-isolation -e .
  printf '%s' "$stamp" > "$venv/.entangrid-stamp"
fi
"$venv/bin/python" - <<'PY'
import sys, torch
build = f"CUDA {torch.version.cuda} build" if torch.version.cuda else "CPU build"
print(f"== Python {sys.version.split()[0]}, torch {torch.__version__}: {build}")
PY
