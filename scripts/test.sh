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
step "pytest: everything; beside it kernels as plain Python, for the coverage of envs/ and data/ (at least 90 %)"
report=$(mktemp)
log=$(mktemp)
NUMBA_DISABLE_JIT=1 HYPOTHESIS_PROFILE=quick "$bin/python" -m pytest -q -p no:cacheprovider tests/data tests/envs \
  --cov --cov-config=scripts/coverage-physics.ini --cov-report=term --cov-fail-under=90 > "$report" 2>&1 &
coverage=$!
trap 'kill "$coverage" 2>/dev/null || true; rm -f "$report" "$log"' EXIT
failed=0
"$bin/python" -m pytest -q -m "not slow" | tee "$log" || failed=$?
step "the same kernels as plain Python, and their coverage"
wait "$coverage" || failed=$?
cat "$report"
grep -hE '^(FAILED|ERROR) ' "$log" "$report" || true   # once more, at the end
exit "$failed"
