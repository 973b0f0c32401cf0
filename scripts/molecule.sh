#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs every scenario (or those named) on a lab host of its own, and takes the hosts away again, also after a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
export COLUMNS=180
lab="python molecule/lab/lab.py"
scenarios=("$@")
if [ ${#scenarios[@]} -eq 0 ]; then
  for file in molecule/*/molecule.yml; do scenarios+=("$(basename "$(dirname "$file")")"); done
fi
logs=.cache/molecule
mkdir -p $logs
failed=()
began=$SECONDS
$lab up # with its progress on show: molecule would hide it
for scenario in "${scenarios[@]}"; do
  if [ "$scenario" = guest ] && [ "$(id -u)" -ne 0 ]; then
    echo "== scenario guest left out: guests need root on this machine"
    continue
  fi
  started=$SECONDS outcome=passed
  echo "== scenario $scenario ($((SECONDS - began)) s since the start)"
  molecule test -s "$scenario" 2>&1 | tee "$logs/$scenario.log" || { outcome=FAILED && failed+=("$scenario"); }
  printf '== scenario %s %s in %d min %02d s\n' "$scenario" $outcome $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60))
done
# molecule destroys the hosts of failed scenarios too; this catches what a killed run left
for scenario in "${scenarios[@]}"; do
  $lab down --host "$scenario" >/dev/null
  [ "$scenario" != guest ] || $lab guest down --guest guest --guest guest-nas >/dev/null
done
# once more at the end, where somebody who sees only the last lines looks
for scenario in "${failed[@]}"; do
  echo "== what failed in $scenario (whole: $logs/$scenario.log)"
  grep -aE '(FAILED|ERROR) molecule/|^[^a-zA-Z]*E  ' "$logs/$scenario.log" | cut -c1-400 | tail -12 || tail -12 "$logs/$scenario.log"
done
echo "== ${#scenarios[@]} scenarios in $((SECONDS - began)) s, failed: ${failed[*]:-none}"
[ ${#failed[@]} -eq 0 ]
