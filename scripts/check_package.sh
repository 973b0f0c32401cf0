#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the tarball, looks at what is in it, installs it for a user who has nothing else, and works with that copy
# from an empty folder: no checkout, no ansible.cfg. The last part brings up a lab host with it.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
work="$(mktemp -d)"
lab=(python "$root/molecule/lab/lab.py")
clean() {
  [ ! -e "$work/lab.json" ] || HOME="$owner" "${lab[@]}" down --host package >/dev/null
  rm -rf "$work"
}
trap clean EXIT
complain() { echo "package: $*" >&2; exit 1; }

mkdir "$work/home" "$work/empty"
# the user's own settings and those of the Makefile must not help
for name in $(compgen -e ANSIBLE_ || true); do unset "$name"; done
owner="$HOME"
export HOME="$work/home" ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=False

echo "== build"
cd "$root"
ansible-galaxy collection build --output-path "$work" . >/dev/null
tarball="$(echo "$work"/kronos-homelab-*.tar.gz)"

echo "== look inside"
# all files in the tarball must be the project's own: nothing that git ignores, no caches, no state of the lab
tar -tzf "$tarball" | { grep -v '/$' || true; } | LC_ALL=C sort > "$work/inside"
{ git ls-files --cached --others --exclude-standard; echo FILES.json; echo MANIFEST.json; } | LC_ALL=C sort > "$work/own"
foreign="$(LC_ALL=C comm -23 "$work/inside" "$work/own")"
[ -z "$foreign" ] || complain "files that are none of the project:"$'\n'"$foreign"
unwanted="$(grep -E '^(tests|molecule|\.[a-z])|(^|/)(id_|vault)|\.(key|pem|p12)$' "$work/inside" || true)"
[ -z "$unwanted" ] || complain "not to be shipped:"$'\n'"$unwanted"
for file in README.md LICENSE meta/runtime.yml playbooks/site.yml plugins/action/plan.py; do
  grep -qx "$file" "$work/inside" || complain "$file is missing"
done

echo "== install"
cd "$work/empty" # away from the checkout's ansible.cfg, which would lead back to the checkout
ansible-galaxy collection install --offline "$tarball" >/dev/null
installed="$HOME/.ansible/collections/ansible_collections/kronos/homelab"
[ -d "$installed" ] || complain "not installed where a user would have it"
keys="$(grep -rlE -- '-----BEGIN [A-Z ]*PRIVATE KEY-----' "$installed" || true)"
[ -z "$keys" ] || complain "private keys in:"$'\n'"$keys"

echo "== use it from an empty folder"
for kind in module filter role; do
  listed="$(ansible-doc --type "$kind" --list kronos.homelab 2>&1 || true)"
  grep -q '^kronos\.homelab\.' <<<"$listed" || complain "ansible-doc lists no $kind:"$'\n'"$listed"
done
cat > hosts.yml <<'EOF'
kronos:
  hosts:
    fake: {ansible_connection: local}
  vars:
    kronos_domain: home.example
    kronos_address: 192.0.2.10
    kronos_storage:
      media: {type: local, path: /mnt/media}
    kronos_services:
      notes:
        image: docker.io/library/notes:1.0
        routes: [{host: notes, port: 8080, access: lan}]
EOF
cat > plan.yml <<'EOF'
- name: Plan through the installed copy
  hosts: kronos
  gather_facts: false
  tasks:
    - name: Derive the whole host from its records
      kronos.homelab.plan:
      register: kronos_plan
    - name: Show it
      ansible.builtin.debug:
        msg: "services: {{ kronos_plan.services.keys() | sort | join(' ') }}"
    - name: The records of the roles are there, and the inventory's own
      ansible.builtin.assert:
        that:
          - kronos_plan.services.traefik.stack == 'traefik'
          - kronos_plan.services.notes.stack == 'own'
          - kronos_plan.stack_order | length > 2
        quiet: true
EOF
for playbook in site verify rollback remove; do
  ansible-playbook -i hosts.yml "kronos.homelab.$playbook" --syntax-check >/dev/null || complain "playbook $playbook"
done
ansible-playbook -i hosts.yml plan.yml > plan.log 2>&1 || { cat plan.log; complain "the plan of a small inventory fails"; }
sed -n 's/.*"*msg"*: *"*\(services: .*[a-z]\)"*/   \1/p' plan.log

echo "== bring up a host with it"
HOME="$owner" "${lab[@]}" up --fresh --host package | tail -n 1
cp "$root/.lab/inventory.json" "$work/lab.json"
python - "$work/lab.json" > host.json <<'EOF'
import json, sys
known = json.load(open(sys.argv[1]))["_meta"]["hostvars"]["package"]
mine = {
    "kronos_domain": "package.localhost",
    "kronos_stacks": ["traefik", "dashboard"],
    "kronos_services": {
        "notes": {
            "image": "docker.io/kronos/echo:1.0",
            "user": {"uid": 1000, "gid": 1000, "how": "run"},
            "routes": [{"host": "notes", "port": 8080, "access": "public"}],
            "health": {"http": {"port": 8080, "path": "/health"}},
        }
    },
}
json.dump({"kronos": {"hosts": {"package": {**known, **mine}}}}, sys.stdout)
EOF
for run in first second verify; do
  playbook=site
  [ $run != verify ] || playbook=verify
  ansible-playbook -i host.json "kronos.homelab.$playbook" > "$run.log" 2>&1 || { cat "$run.log"; complain "$run run"; }
  grep -E '^package +: ' "$run.log"
done
grep -qE '^package .* changed=[1-9]' first.log || complain "the first run changed nothing"
grep -qE '^package .* changed=0 ' second.log || { cat second.log; complain "the second run is not quiet"; }
python - host.json <<'EOF'
import http.client, json, ssl, sys
address = json.load(open(sys.argv[1]))["kronos"]["hosts"]["package"]["ansible_host"]
connection = http.client.HTTPSConnection(address, context=ssl._create_unverified_context(), timeout=10)
connection.request("GET", "/", headers={"Host": "notes.package.localhost"})
answer = connection.getresponse()
assert answer.status == 200 and json.load(answer)["name"] == "echo", answer.status
EOF
echo "== $(basename "$tarball"): $(wc -l < "$work/inside") files, $(du -k "$tarball" | cut -f1) KiB, works on its own"
