#!/usr/bin/env bash
# Every check that CI makes: lint, format, types, tests, and the coverage of envs/ and data/.
#
#   bash scripts/test.sh [--venv DIR] [--torch-index URL]
#
# The options are those of scripts/install.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case " $* " in *" -h "*|*" --help "*) sed -n '2,6s/^# \{0,1\}//p' scripts/test.sh; exit 0 ;; esac

bash scripts/install.sh "$@"
venv=.venv
while [ $# -gt 0 ]; do [ "$1" = --venv ] && venv=$2; shift; done
bin=$venv/bin
export OMP_NUM_THREADS=1 MPLBACKEND=Agg   # one thread a process: faster for small networks, and the same bits

step() { printf '\n== %s\n' "$1"; }
step "ruff: lint and format"
"$bin/ruff" check .
"$bin/ruff" format --check .
step "mypy: types (strict)"
"$bin/mypy"
step "pytest: two halves side by side; then kernels as plain Python, for the coverage of envs/ and data/ (at least 90 %)"
log=$(mktemp -d)
trap 'kill "$other" 2>/dev/null || true; rm -rf "$log"' EXIT
{
  failed=0
  "$bin/python" -m pytest -q -p no:cacheprovider -m "not slow" tests/agents tests/data tests/envs || failed=$?
  printf '\n== the kernels as plain Python, and their coverage\n'
  NUMBA_DISABLE_JIT=1 HYPOTHESIS_PROFILE=quick "$bin/python" -m pytest -q -p no:cacheprovider tests/data tests/envs \
    --cov --cov-config=scripts/coverage-physics.ini --cov-report=term --cov-fail-under=90 || failed=$?
  exit "$failed"
} > "$log/other" 2>&1 &
other=$!
failed=0
"$bin/python" -m pytest -q -p no:cacheprovider -m "not slow" \
  --ignore=tests/agents --ignore=tests/data --ignore=tests/envs 2>&1 | tee "$log/one" || failed=$?
step "pytest: agents, data, envs"
wait "$other" || failed=$?
cat "$log/other"
grep -hE '^(FAILED|ERROR) ' "$log/one" "$log/other" || true   # once more, at the end
exit "$failed"
