# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drifts of what lies in a stack's folder, of secrets, of data directories, and of our own notes."""

from __future__ import annotations

from drifts.row import STACKS, Drift

TRAEFIK = f"{STACKS}/traefik/files/traefik"
PROMETHEUS = f"{STACKS}/monitoring/files/prometheus/config"
ALERTMANAGER = f"{STACKS}/monitoring/files/alertmanager/config/alertmanager.yml"
HOMER = f"{STACKS}/dashboard/files/homer/assets"
COPY = f"{STACKS}/own/secrets/vault/password"
MASTER = "/etc/kronos/secrets"
JELLYFIN = "/srv/kronos/jellyfin/config"
# the services of two stacks
MEDIA, OWN = ("jellyfin", "radarr", "sonarr", "transmission"), ("front", "hello", "migrate", "vault")
# the one of a third, and what else the table does to its files
DASHBOARD = ("homer", f"{HOMER}/config.yml", f"{STACKS}/dashboard/files/other (removed)")
RECEIPTS = "/var/lib/kronos/receipts"


def back(path: str) -> dict[str, str]:
    """The file has, in the end, the content, owner and mode that it had before."""
    stat = "stat -c '%a %u %g %F'"
    return {
        "before": f"cp -p {path} kept && {stat} {path} > rights",
        "healed": f"cmp kept {path} && {stat} {path} | cmp - rights",
    }


def sees(container: str, path: str) -> str:
    """A command that holds when the container sees what the host has there now."""
    return (
        f"touch {path}/.drift && docker exec {container} stat /config/.drift; code=$?; rm -f {path}/.drift; exit $code"
    )


TABLE = [
    Drift(
        name="configuration edited",
        harm=f"echo '# by hand' >> {TRAEFIK}/config/traefik.yml",
        reason=f"{TRAEFIK}/config/traefik.yml: edited",
        actions={"traefik": "restarted: files.config/traefik.yml"},
        shown=(f"{TRAEFIK}/config/traefik.yml",),
        **back(f"{TRAEFIK}/config/traefik.yml"),
        thorough=True,
    ),
    Drift(
        name="configuration deleted",
        harm=f"rm {ALERTMANAGER}",
        reason=f"{ALERTMANAGER}: deleted",
        actions={"alertmanager": "reloaded: files.config/alertmanager.yml"},
        shown=(ALERTMANAGER,),
        **back(ALERTMANAGER),
    ),
    Drift(
        name="configuration's mode",
        harm=f"chmod 600 {PROMETHEUS}/rules.yml",
        reason=f"{PROMETHEUS}/rules.yml: mode 0600, was 0644",
        shown=(f"{PROMETHEUS}/rules.yml",),
        **back(f"{PROMETHEUS}/rules.yml"),
    ),
    Drift(
        name="configuration's owner",
        harm=f"chown 1234:4321 {HOMER}/config.yml",
        reason=f"{HOMER}/config.yml: owner 1234:4321",
        shown=(f"{HOMER}/config.yml",),
        **back(f"{HOMER}/config.yml"),
    ),
    Drift(
        name="proxy's dynamic file edited",
        harm=f"sed -i s/Host/Hast/ {TRAEFIK}/dynamic/kronos.yml",
        reason=f"{TRAEFIK}/dynamic/kronos.yml: edited",
        actions={"traefik": "reloaded: files.dynamic/kronos.yml"},
        shown=(f"{TRAEFIK}/dynamic/kronos.yml",),
        **back(f"{TRAEFIK}/dynamic/kronos.yml"),
        thorough=True,
    ),
    Drift(
        name="proxy's dynamic file broken",
        harm=f"echo 'http: [' > {TRAEFIK}/dynamic/kronos.yml",
        reason=f"{TRAEFIK}/dynamic/kronos.yml: edited",
        actions={"traefik": "reloaded: files.dynamic/kronos.yml"},
        shown=(f"{TRAEFIK}/dynamic/kronos.yml",),
        **back(f"{TRAEFIK}/dynamic/kronos.yml"),
    ),
    Drift(
        name="stray file in a mounted folder",
        harm=f"echo 'groups: []' > {PROMETHEUS}/extra.yml",
        reason=f"{PROMETHEUS}/extra.yml: nobody asked for it",
        actions={"prometheus": "reloaded: files.config/extra.yml"},
        shown=(f"{PROMETHEUS}/extra.yml (removed)",),
        healed=f"! test -e {PROMETHEUS}/extra.yml",
    ),
    Drift(
        name="stray folder among the files",
        harm=f"mkdir -p {STACKS}/dashboard/files/other/deep && touch {STACKS}/dashboard/files/other/deep/x",
        reason=f"{STACKS}/dashboard/files/other: nobody asked for it",
        shown=(f"{STACKS}/dashboard/files/other (removed)",),
        healed=f"! test -e {STACKS}/dashboard/files/other",
    ),
    Drift(
        name="link in place of a file",
        harm=f"cp {PROMETHEUS}/rules.yml $D/aside && ln -sf $D/aside {PROMETHEUS}/rules.yml",
        reason=f"{PROMETHEUS}/rules.yml: is no file any more",
        actions={"prometheus": "reloaded: files.config/rules.yml"},
        shown=(f"{PROMETHEUS}/rules.yml",),
        **back(f"{PROMETHEUS}/rules.yml"),
    ),
    Drift(
        name="empty directory in place of a file",
        harm=f"rm {ALERTMANAGER} && mkdir {ALERTMANAGER}",
        reason=f"{ALERTMANAGER}: is no file any more",
        actions={"alertmanager": "reloaded: files.config/alertmanager.yml"},
        shown=(ALERTMANAGER,),
        **back(ALERTMANAGER),
    ),
    Drift(
        name="full directory in place of a file",
        harm=f"rm {ALERTMANAGER} && mkdir {ALERTMANAGER} && touch {ALERTMANAGER}/mine",
        reason=f"{ALERTMANAGER}: is no file any more",
        fails=f"{ALERTMANAGER} is a directory with something in it: a file is wanted there",
        mended=f"mv {ALERTMANAGER} $D/moved",
        actions={"alertmanager": "reloaded: files.config/alertmanager.yml"},
        shown=(ALERTMANAGER,),
        **back(ALERTMANAGER),
    ),
    Drift(
        name="env file edited",
        harm=f"echo MORE=by-hand >> {STACKS}/media/env/radarr.env",
        reason=f"{STACKS}/media/env/radarr.env: edited",
        shown=(f"{STACKS}/media/env/radarr.env",),
        **back(f"{STACKS}/media/env/radarr.env"),
    ),
    Drift(
        name="env file open to others",
        harm=f"chmod 644 {STACKS}/media/env/sonarr.env",
        reason=f"{STACKS}/media/env/sonarr.env: mode 0644, was 0600",
        shown=(f"{STACKS}/media/env/sonarr.env",),
        **back(f"{STACKS}/media/env/sonarr.env"),
    ),
    Drift(
        name="compose.yml edited",
        harm=f"sed -i 's/restart: .*/restart: always/' {STACKS}/media/compose.yml",
        reason=f"{STACKS}/media/compose.yml: edited",
        shown=(f"{STACKS}/media/compose.yml",),
        **back(f"{STACKS}/media/compose.yml"),
    ),
    Drift(
        name="folder of a stack deleted",
        harm=f"rm -rf {STACKS}/dashboard",
        reason=f"{HOMER}/config.yml: deleted",
        actions={"homer": "recreated: volumes./www/assets"},
        shown=tuple(
            f"{STACKS}/dashboard{path}"
            for path in (
                "",
                "/compose.yml",
                "/env",
                "/files",
                "/files/homer",
                "/files/homer/assets",
                "/files/homer/assets/config.yml",
                "/files/homer/assets/kronos-root.crt",
                "/secrets",
            )
        ),
        **back(f"{HOMER}/config.yml"),
        thorough=True,
    ),
    Drift(
        name="secret's mounted copy edited",
        harm=f"echo tampered-with-4711 > {COPY}",
        reason=f"{COPY}: edited",
        actions={"vault": "restarted: secrets.password"},
        shown=(COPY,),
        **back(COPY),
    ),
    Drift(
        name="secret's mounted copy open to others",
        harm=f"chmod 444 {COPY}",
        reason=f"{COPY}: mode 0444, was 0400",
        shown=(COPY,),
        **back(COPY),
    ),
    Drift(
        name="master copy of a secret deleted",
        harm=f"rm {MASTER}/vault/password",
        reason=f"{MASTER}/vault/password: deleted",
        shown=("secret vault/password",),
        **back(f"{MASTER}/vault/password"),
        thorough=True,
    ),
    Drift(
        name="master copy of a plain secret deleted",
        harm=f"rm {MASTER}/radarr/api_key",
        reason=f"{MASTER}/radarr/api_key: deleted",
        shown=("secret radarr/api_key",),
        **back(f"{MASTER}/radarr/api_key"),
    ),
    Drift(
        name="master copy of a given secret edited",
        harm=f"echo something-else-4711 > {MASTER}/vault/token",
        reason=f"{MASTER}/vault/token: edited",
        shown=("secret vault/token",),
        **back(f"{MASTER}/vault/token"),
    ),
    Drift(
        name="secret replaced by hand",
        before=f"cat {MASTER}/vault/password > old",
        harm=f"printf replaced-by-hand-4711 > {MASTER}/vault/password",
        reason=f"{MASTER}/vault/password: edited",
        actions={"vault": "recreated: secrets.password"},
        shown=(COPY, f"{STACKS}/own/compose.yml"),
        healed="docker exec vault cat /run/secrets/password | grep -qx replaced-by-hand-4711",
    ),
    Drift(
        name="secret open to others",
        harm=f"chmod 644 {MASTER}/radarr/api_key",
        reason=f"{MASTER}/radarr/api_key: mode 0644, was 0600",
        shown=("secret radarr/api_key",),
        **back(f"{MASTER}/radarr/api_key"),
    ),
    Drift(
        name="folders of secrets open to others",
        harm=f"chmod 755 /etc/kronos {MASTER} {MASTER}/radarr",
        reason="/etc/kronos: mode 0755, was 0700",
        shown=("/etc/kronos", MASTER, f"{MASTER}/radarr"),
        healed=f"! stat -c %a /etc/kronos {MASTER} {MASTER}/radarr | grep -vx 700",
    ),
    Drift(
        name="data directory's owner",
        harm=f"chown 0:0 {JELLYFIN}",
        reason=f"{JELLYFIN}: owner 0:0, was 1000:1000",
        shown=(JELLYFIN,),
        healed=f"stat -c '%u %g' {JELLYFIN} | grep -qx '1000 1000'",
    ),
    Drift(
        name="data directory's mode",
        harm="chmod 777 /srv/kronos/front/data",
        reason="/srv/kronos/front/data: mode 0777",
        shown=("/srv/kronos/front/data",),
        healed="stat -c '%a %u' /srv/kronos/front/data | grep -qx '750 1000'",
    ),
    Drift(
        name="data directory deleted",
        harm=f"rm -rf {JELLYFIN}",
        reason=f"{JELLYFIN}: deleted",
        actions={"jellyfin": "recreated: volumes./config"},
        shown=(JELLYFIN,),
        healed=sees("jellyfin", JELLYFIN),
    ),
    Drift(
        name="data directory exchanged",
        harm=f"cp -a {JELLYFIN} /srv/aside && rm -rf {JELLYFIN} && mv /srv/aside {JELLYFIN}",
        reason=f"{JELLYFIN}: another directory than the one that its container has",
        actions={"jellyfin": "recreated: volumes./config"},
        healed=sees("jellyfin", JELLYFIN),
    ),
    Drift(
        name="state deleted",
        harm=f"rm {STACKS}/media/state.json",
        reason=f"{STACKS}/media/state.json: deleted",
        shown=("state.json",),
        touches=MEDIA,
        **back(f"{STACKS}/media/state.json"),
    ),
    Drift(
        name="state unreadable",
        harm=f"echo '{{' > {STACKS}/own/state.json",
        reason=f"{STACKS}/own/state.json: edited",
        shown=("state.json",),
        touches=OWN,
        **back(f"{STACKS}/own/state.json"),
    ),
    Drift(
        name="generations deleted",
        harm=f"rm -rf {STACKS}/dashboard/generations",
        reason="generation.json: deleted",
        shown=("state.json",),
        touches=DASHBOARD,
        healed=f"test -s {STACKS}/dashboard/generations/1/compose.yml && "
        f"grep -q '\"generation\": 1,' {STACKS}/dashboard/state.json",
    ),
    Drift(
        name="receipt deleted",
        touches=("seal", *DASHBOARD),
        harm=f"rm {RECEIPTS}/stack--dashboard.json",
        reason="stack dashboard: changed outside a whole run",
        **back(f"{RECEIPTS}/stack--dashboard.json"),
    ),
    Drift(
        name="receipt unreadable",
        touches=("seal", "front", "vault"),
        harm=f"echo '{{' > {RECEIPTS}/networks--all.json",
        reason="networks all: changed outside a whole run",
        **back(f"{RECEIPTS}/networks--all.json"),
    ),
    Drift(
        name="seal deleted",
        touches=("seal",),
        harm=f"rm {RECEIPTS}/host--converged.json",
        reason="no whole run has ended well here yet",
        healed=f"test -s {RECEIPTS}/host--converged.json",
    ),
]
