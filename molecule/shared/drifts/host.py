# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drifts of the host itself: Docker, packages, units, and the home authority with its certificates."""

from __future__ import annotations

from drifts.containers import up
from drifts.files import HOMER, back
from drifts.row import STACKS, Drift

CA, TLS = "/etc/kronos/ca", "/etc/kronos/tls/proxy"
TIMER = "kronos-certificates.timer"
MIRROR = "/etc/docker/certs.d/registry.kronos-lab:5000/ca.crt"
DAEMON = "/etc/docker/daemon.json"
SOUND = (
    f"openssl verify -CAfile {CA}/root.crt {TLS}/cert.pem && "
    f"openssl x509 -in {TLS}/cert.pem -noout -checkend 2592000 && "
    f'test "$(openssl x509 -in {TLS}/cert.pem -noout -pubkey)" = "$(openssl pkey -in {TLS}/key.pem -pubout)" && '
    f"stat -c '%a %u' {TLS}/key.pem | grep -qx '400 65532'"
)
# A certificate of ours for five days, with the key that is there.
SOON = (
    f"cd /run/drift && openssl req -new -key {TLS}/key.pem -subj /CN=proxy -out request && "
    f"names=$(openssl x509 -in {TLS}/cert.pem -noout -ext subjectAltName | tail -n +2 | tr -d ' ') && "
    f'echo "subjectAltName=$(echo $names | sed s/IPAddress/IP/g)" > extensions && '
    f"openssl x509 -req -in request -CA {CA}/root.crt -CAkey {CA}/root.key -CAcreateserial -CAserial serial -days 5 "
    f"-extfile extensions -out leaf && cat leaf {CA}/root.crt > {TLS}/cert.pem"
)
DOCKER_UP = "docker info > /dev/null && systemctl is-enabled --quiet docker.service"

TABLE = [
    Drift(
        name="certificate removed",
        harm=f"rm {TLS}/cert.pem",
        reason=f"{TLS}/cert.pem: deleted",
        shown=("certificate proxy",),
        healed=SOUND,
        thorough=True,
    ),
    Drift(
        name="certificate about to expire",
        harm=SOON,
        reason=f"{TLS}/cert.pem: edited",
        shown=("certificate proxy",),
        healed=SOUND,
    ),
    Drift(
        name="certificate's key exchanged",
        harm=f"openssl ecparam -name prime256v1 -genkey -noout > $D/key && cat $D/key > {TLS}/key.pem",
        reason=f"{TLS}/key.pem: edited",
        shown=("certificate proxy",),
        healed=SOUND,
    ),
    Drift(
        name="certificate's key open to others",
        harm=f"chmod 644 {TLS}/key.pem",
        reason=f"{TLS}/key.pem: mode 0644, was 0400",
        shown=("certificate proxy",),
        healed=SOUND,
    ),
    Drift(
        name="certificate's folder closed to the proxy",
        harm=f"chmod 700 {TLS}",
        reason=f"{TLS}: mode 0700, was 0755",
        shown=("certificate proxy",),
        healed=f"stat -c %a {TLS} | grep -qx 755",
    ),
    Drift(
        name="root certificate's mode",
        harm=f"chmod 600 {CA}/root.crt",
        reason=f"{CA}/root.crt: mode 0600, was 0644",
        shown=("certificate root",),
        **back(f"{CA}/root.crt"),
    ),
    Drift(
        name="root certificate deleted",
        harm=f"rm {CA}/root.crt",
        reason=f"{CA}/root.crt: deleted",
        shown=("certificate root",),
        **back(f"{CA}/root.crt"),
    ),
    Drift(
        name="root's key open to others",
        harm=f"chmod 644 {CA}/root.key",
        reason=f"{CA}/root.key: mode 0644, was 0600",
        shown=("certificate root",),
        **back(f"{CA}/root.key"),
    ),
    Drift(
        name="root's key deleted",
        before=f"cp -p {CA}/root.key /var/tmp/drift-root.key",
        harm=f"rm {CA}/root.key",
        reason=f"{CA}/root.key: deleted",
        fails="root.key, the key of the authority, is lost",
        mended=f"mv /var/tmp/drift-root.key {CA}/root.key",
        healed=SOUND,
    ),
    Drift(
        name="note of what was issued edited",
        harm=f'sed -i \'s/"due": [0-9]*/"due": 1000/\' {CA}/issued.json',
        reason="certificate proxy: it expires soon",
        shown=("certificate proxy", "certificate root"),
        **back(f"{CA}/issued.json"),
    ),
    Drift(
        name="note of what was issued deleted",
        harm=f"rm {CA}/issued.json",
        reason=f"{CA}/issued.json: deleted or unreadable",
        shown=("certificate proxy", "certificate root"),
        **back(f"{CA}/issued.json"),
    ),
    Drift(
        name="timer disabled",
        harm=f"systemctl disable {TIMER}",
        reason=f"{TIMER}: disabled, was active",
        shown=(TIMER,),
        healed=f"systemctl is-enabled --quiet {TIMER} && systemctl is-active --quiet {TIMER}",
    ),
    Drift(
        name="timer stopped",
        harm=f"systemctl stop {TIMER}",
        reason=f"{TIMER}: inactive, was active",
        shown=(TIMER,),
        healed=f"systemctl is-active --quiet {TIMER}",
    ),
    Drift(
        name="timer's file edited",
        harm=f"sed -i 's/^OnCalendar=.*/OnCalendar=yearly/' /etc/systemd/system/{TIMER} && systemctl daemon-reload",
        reason=f"/etc/systemd/system/{TIMER}: edited",
        shown=(f"/etc/systemd/system/{TIMER}",),
        **back(f"/etc/systemd/system/{TIMER}"),
    ),
    Drift(
        name="program of a unit deleted",
        harm="rm /usr/local/lib/kronos/kronos_ca.py",
        reason="/usr/local/lib/kronos/kronos_ca.py: deleted",
        shown=("/usr/local/lib/kronos/kronos_ca.py",),
        healed="systemctl start kronos-certificates.service",
    ),
    Drift(
        name="package removed",
        harm="dpkg --purge --force-depends python3-jmespath",
        reason="package python3-jmespath: is not installed any more",
        shown=("packages",),
        healed="python3 -c 'import jmespath'",
    ),
    Drift(
        name="Docker disabled",
        harm="systemctl disable docker.service",
        reason="docker.service: disabled, was active",
        shown=("docker.service",),
        healed=DOCKER_UP,
    ),
    Drift(
        name="Docker stopped and a stack's folder deleted",
        harm=f"systemctl stop docker.socket docker.service && rm -rf {STACKS}/dashboard",
        alone=True,
        reason=f"{STACKS}/dashboard/state.json: deleted",
        actions={"homer": "recreated: volumes./www/assets"},
        shown=(
            "docker.service",
            *(
                f"{STACKS}/dashboard{path}"
                for path in ("", "/compose.yml", "/env", "/files", "/files/homer", "/secrets")
            ),
            HOMER,
            f"{HOMER}/config.yml",
            f"{HOMER}/kronos-root.crt",
        ),
        healed=f"{DOCKER_UP} && {up('homer')} && docker exec homer test -e /www/assets/config.yml",
    ),
    Drift(
        name="Docker's setting of ours edited",
        harm=f"sed -i s/journald/json-file/ {DAEMON}",
        reason=f"{DAEMON}: edited",
        shown=(DAEMON, "docker.service"),
        **back(DAEMON),
    ),
    Drift(
        name="Docker's setting of others added",
        harm=f"sed -i '1a \\  \"max-concurrent-uploads\": 3,' {DAEMON}",
        reason=f"{DAEMON}: edited",
        shown=("docker.service",),
        healed=f"grep -q max-concurrent-uploads {DAEMON} && {DOCKER_UP}",
    ),
    Drift(
        name="mirror's authority removed",
        harm=f"rm {MIRROR}",
        reason=f"{MIRROR}: deleted",
        shown=(MIRROR,),
        **back(MIRROR),
    ),
    Drift(
        name="interrupted operation",
        harm=f"echo '{{' > {STACKS}/media/journal.json",
        reason="stack media: an operation was interrupted",
        actions=dict.fromkeys(("jellyfin", "radarr", "sonarr", "transmission"), "unchanged: unfinished"),
        healed=f"! test -e {STACKS}/media/journal.json",
    ),
    Drift(
        name="key of the fingerprints deleted",
        harm="rm /etc/kronos/fingerprint.key",
        reason="/etc/kronos/fingerprint.key: deleted",
        actions={
            "radarr": "recreated: environment.RADARR__AUTH__APIKEY",
            "sonarr": "recreated: environment.SONARR__AUTH__APIKEY",
            "vault": "recreated: secrets.password, secrets.token",
        },
        shown=("/etc/kronos/fingerprint.key", f"{STACKS}/media/compose.yml", f"{STACKS}/own/compose.yml"),
        healed="stat -c '%a %u %s' /etc/kronos/fingerprint.key | grep -qx '600 0 65'",
    ),
    Drift(
        name="key of the fingerprints open to others",
        harm="chmod 644 /etc/kronos/fingerprint.key",
        reason="/etc/kronos/fingerprint.key: mode 0644, was 0600",
        shown=("/etc/kronos/fingerprint.key",),
        healed="stat -c %a /etc/kronos/fingerprint.key | grep -qx 600",
    ),
]
