#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs every scenario (or those named), each on lab hosts of its own, and takes the hosts away again, also after a
# failure. KRONOS_LANES of them run side by side, one more than there are cores, since two leave a third of two cores
# idle (measured); guests take two of them. The longest come first, so that none of them is left over at the end, and
# what measures runs alone after them.
set -euo pipefail
set -m # every lane is a process group, so that all of it ends with us
trap 'for lane in $(jobs -rp); do kill -- "-$lane"; done' EXIT
cd "$(dirname "$0")/.."
export COLUMNS=180
lab="python molecule/lab/lab.py"
logs=.cache/molecule
lanes=${KRONOS_LANES:-$(($(nproc) + 1))}
alone=" load "
longest=" guest changes firewall "
scenarios=("$@")
if [ ${#scenarios[@]} -eq 0 ]; then
  for file in molecule/*/molecule.yml; do
    scenario=$(basename "$(dirname "$file")")
    scenarios+=("$scenario")
  done
fi
mkdir -p "$logs"
began=$SECONDS
runs=()
for scenario in "${scenarios[@]}"; do
  if [ "$scenario" = guest ] && [ "$(id -u)" -ne 0 ]; then
    echo "== scenario guest left out: guests need root on this machine"
  elif [[ $longest == *" $scenario "* ]]; then
    runs=("$scenario" "${runs[@]}")
  else
    runs+=("$scenario")
  fi
done
scenarios=("${runs[@]}")

one() { # scenario: its output goes to a file of its own, so that two do not mix
  local started=$SECONDS outcome=passed
  molecule test -s "$1" >"$logs/$1.log" 2>&1 || outcome=FAILED
  cat "$logs/$1.log"
  printf '== scenario %s %s in %d min %02d s\n' "$1" $outcome $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60))
  [ $outcome = passed ] || touch "$logs/$1.failed"
}

guests=none
taken() { # lanes in use
  local running
  running=$(jobs -rp)
  echo $(($(wc -w <<<"$running") + $(grep -cx "$guests" <<<"$running" || true)))
}

$lab up # with its progress on show: molecule would hide it
rm -f "$logs"/*.failed
for scenario in "${scenarios[@]}"; do
  [[ $alone == *" $scenario "* ]] && continue
  while [ "$(taken)" -ge "$lanes" ]; do wait -n; done
  echo "== scenario $scenario ($((SECONDS - began)) s since the start)"
  one "$scenario" &
  [ "$scenario" != guest ] || guests=$!
done
wait
for scenario in "${scenarios[@]}"; do
  [[ $alone == *" $scenario "* ]] || continue
  echo "== scenario $scenario ($((SECONDS - began)) s since the start)"
  one "$scenario"
done
# molecule destroys the hosts of failed scenarios too; this catches what a killed run left
for scenario in "${scenarios[@]}"; do
  $lab down --host "$scenario" >/dev/null
  [ "$scenario" != guest ] || $lab guest down --guest guest --guest guest-nas >/dev/null
done
failed=()
for scenario in "${scenarios[@]}"; do [ ! -e "$logs/$scenario.failed" ] || failed+=("$scenario"); done
# once more at the end, where somebody who sees only the last lines looks
for scenario in "${failed[@]}"; do
  echo "== what failed in $scenario (whole: $logs/$scenario.log)"
  said=$(sed 's/\x1b\[[0-9;]*m//g' "$logs/$scenario.log")
  grep -E '^ *(│ )?(E  |\[ERROR\]|fatal: )' <<<"$said" | cut -c1-300 | tail -12 || true
  grep -E '^ *(│ )?(FAILED|ERROR) ' <<<"$said" | cut -c1-300 || tail -12 <<<"$said"
done
echo "== ${#scenarios[@]} scenarios in $((SECONDS - began)) s, failed: ${failed[*]:-none}"
[ ${#failed[@]} -eq 0 ]
