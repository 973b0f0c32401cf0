# SPDX-License-Identifier: GPL-3.0-or-later
"""Begins as upstream's entrypoint does: capabilities, PIHOLE_UID, owner and mode of /etc/pihole, the password."""

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import api
import ftl
import gravity

FOLDER = Path("/etc/pihole")
# what capsh, usermod, chown and setcap need of the container
NEEDED = {0: "CHOWN", 6: "SETGID", 7: "SETUID", 31: "SETFCAP"}


def effective() -> int:
    """The capabilities that we have, as a number."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def become(uid: int, gid: int) -> None:
    """Give the folder to the user and go on as that user."""
    have = effective()
    missing = [name for bit, name in NEEDED.items() if not have >> bit & 1]
    if missing:
        sys.exit(f"  [!] ERROR: Unable to set capabilities for pihole-FTL ({missing}). Cannot run as non-root.")
    for path in [FOLDER, *FOLDER.rglob("*")]:
        os.chown(path, uid, gid)
        path.chmod(0o755 if path.is_dir() else 0o640)
    os.chown("/run/pihole-lab", uid, gid)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def password() -> str:
    """FTLCONF_webserver_api_password, else the named secret, else a random one, which is logged."""
    given = dict(os.environ).get("FTLCONF_webserver_api_password")
    name = os.environ.get("WEBPASSWORD_FILE", "")
    path = Path(f"/run/secrets/{name}")  # a name, never a path
    if given is not None:
        return given
    if name and path.is_file():
        print(f"  [i] Setting Web UI password from file {path}")
        return path.read_text().strip()
    made = secrets.token_urlsafe(6)
    print(f"  [i] No password set in environment or config file, assigning random password: {made}")
    return made


def main() -> None:
    """Run until the container is stopped."""
    word = password()  # read as root, before the user changes
    become(int(os.environ.get("PIHOLE_UID") or 1000), int(os.environ.get("PIHOLE_GID") or 1000))
    database = gravity.Database(FOLDER / "gravity.db")
    config = ftl.Config(FOLDER / "pihole.toml", os.environ, word)
    resolver = ftl.Resolver(Path("/run/pihole-lab"), config, database)
    resolver.start()
    server = api.Api(config, database, resolver)

    def stop(_number: int, _frame: object) -> None:
        resolver.stop()
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    print("########## FTL started ##########", flush=True)
    try:
        server.run()
    except subprocess.SubprocessError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
