#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# ansible-test sanity on a copy of the checkout: ansible-test wants a path that ends in
# ansible_collections/kronos/homelab, resolves links, and asks git which files there are.
# Arguments are handed on, such as `--test validate-modules` or the name of a file.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
copy="$work/ansible_collections/kronos/homelab"
mkdir -p "$copy"
cd "$root"
git ls-files --cached --others --exclude-standard -z | while IFS= read -r -d '' file; do
  [ -e "$file" ] && printf '%s\0' "$file"
done | xargs -0 cp --parents --target-directory "$copy"
cd "$copy"
git init --quiet
git add --all
git -c user.name=sanity -c user.email=sanity@localhost commit --quiet --message sanity

# ansible-test fetches pip's bootstrap from a site that not every machine reaches; Python brings one of its own
export HOME="$root/.cache/sanity"
version="$(python - <<'PY'
import ansible_test._internal.python_requirements as requirements, inspect, re
print(re.search(r"pip='([0-9.]+)'", inspect.getsource(requirements)).group(1))
PY
)"
mkdir -p "$HOME/.ansible/test/cache"
printf 'import ensurepip\n\nensurepip.bootstrap()\n' > "$HOME/.ansible/test/cache/get_pip_${version//./_}.py"

python="$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
sanity() { ansible-test sanity --venv --python "$python" --color no "$@"; }

# the import test knows nothing of what a collection's controller side requires
sanity --test import --prime-venvs > "$HOME/prime.log" 2>&1 || { cat "$HOME/prime.log"; exit 1; }
for imports in "$HOME"/.ansible/test/venv/sanity.import.plugin/"$python"/*/bin/python; do
  python -m pip --quiet --disable-pip-version-check --python "$imports" install -r requirements.txt
done
sanity "$@"
