# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The home of the scenario, clients with addresses of their own, and what the authority has issued."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import docker
import labtest
from ansible_collections.kronos.homelab.plugins.module_utils import certificates
from labtest import HOST, Run, address

HERE = Path(__file__).parent
CLIENTS = f"kronos-lab-clients-{HOST}"
DOMAIN = f"{HOST}.localhost"
CLOUDFLARE, STRANGER, BAD, WORSE, LAN = "173.245.48.10", "198.51.100.7", "198.51.100.66", "198.51.100.67", "10.66.1.7"
ADDRESSES = (CLOUDFLARE, STRANGER, BAD, WORSE, LAN)
VALIDITY = 1240  # Traefik renews what is valid for less than a day when 20 minutes are left, and looks every minute
ECHO: dict[str, Any] = {
    "image": "docker.io/kronos/echo:1.0",
    "user": {"uid": 1000, "gid": 1000, "how": "run"},
    "health": {"http": {"port": 8080, "path": "/health", "expect": "status == 'ok'"}},
}
MOUNT: dict[str, Any] = {
    "volumes": [{"host": "/srv/acme", "target": "/certs", "read_only": True}],
    "reasons": {"volumes./certs": "The tests put it there."},
}
STRANGE_HEADERS = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-User": "admin",
    "X-Forwarded-Host": "evil.example",
    "Forwarded": "for=203.0.113.9",
    "X-Real-Ip": "203.0.113.9",
    "True-Client-IP": "203.0.113.9",
    "CF-Connecting-IP": "203.0.113.9",
    "Remote-User": "admin",
    "Remote_User": "admin",
}


def people() -> dict[str, Any]:
    """Who gets in by a password of the proxy's own."""
    return {"anna": {"name": "Anna"}}


def services() -> dict[str, Any]:
    """Everything that the proxy is to do, in few services."""
    rate = {"average": 1, "period": "1h", "burst": 3}
    return {
        "hello": None,
        "maintenance": {"enabled": True},
        "acme": {
            "image": "docker.io/kronos/acme:2.6.0",
            "user": {"uid": 1000, "gid": 1000, "how": "run"},
            "environment": {"VALIDITY": VALIDITY},
            "tmpfs": ["/tmp"],
            "health": {"http": {"port": 8080, "path": "/", "expect": "status == 'ok'"}},
            **MOUNT,
        },
        "shop": {
            **ECHO,
            "routes": [
                {"host": "shop", "also": ["market"], "port": 8080, "access": "public", "rate": rate, "name": "shop"},
                {"host": "shop", "port": 8080, "access": "lan", "path": "/admin", "name": "shop-admin"},
                {"host": "apps", "port": 8080, "access": "public", "path": "/app", "strip_path": True, "name": "app"},
                {
                    "host": "apps",
                    "port": 8080,
                    "access": "public",
                    "path": "/app/deep",
                    "name": "deep",
                    "headers": {"request": {"X-Said": "by the proxy"}, "response": {"X-Answer": 'a `b` $c "d"'}},
                },
                {"host": "inner", "port": 8080, "access": "lan", "name": "inner"},
                {"host": "desk", "port": 8080, "access": "public", "basic_auth": ["anna"], "name": "desk"},
                {"host": "tunnel", "port": 8080, "access": "vpn", "name": "tunnel"},
            ],
        },
        "talk": {
            "image": "docker.io/kronos/echo:1.0",
            "user": {"uid": 1000, "gid": 1000, "how": "run"},
            "entrypoint": ["python3", "/certs/talk.py"],
            "health": {"http": {"port": 8080, "path": "/"}},
            "routes": [{"host": "talk", "port": 8080, "access": "public", "max_body": "3m", "name": "talk"}],
            "streams": [
                {"port": 7000, "target": 9000, "reach": "public"},
                {"port": 7001, "target": 9001, "protocol": "udp", "reach": "lan"},
                {"port": 8080, "target": 9000, "reach": "lan", "tls": "terminate", "hosts": ["mail"]},
                {"port": 8080, "target": 9003, "reach": "lan", "tls": "pass", "hosts": ["own"], "name": "own-tls"},
            ],
            **MOUNT,
        },
    }


PASSWORD = "let me in"
AUTHORITY: dict[str, bytes] = {}


def make_authority() -> dict[str, bytes]:
    """A certificate for the ACME directory, and who vouches for it."""
    now = datetime.now(timezone.utc)
    start, end = now - timedelta(hours=1), now + timedelta(days=1)
    root_key, key = certificates.new_key(), certificates.new_key()
    root = certificates.build("Test", (), root_key, root_key, None, start, end)
    leaf = certificates.build("acme", ("acme",), key, root_key, root, start, end)
    chain = certificates.pem(leaf) + certificates.pem(root)
    return {"root.pem": certificates.pem(root), "cert.pem": chain, "key.pem": certificates.key_pem(key)}


def acme(mode: str = "acme_dns", **said: Any) -> dict[str, Any]:
    """kronos_tls for the authority of the scenario."""
    dns = {
        "provider": "httpreq",
        "environment": {"HTTPREQ_ENDPOINT": "http://acme:8080", "HTTPREQ_USERNAME": "kronos"},
        "secrets": {"HTTPREQ_PASSWORD": "dns_password"},
        "check_propagation": False,
    }
    usual = {"server": "https://acme:14000/dir", "server_ca": AUTHORITY["root.pem"].decode(), "duration": 1}
    return {"mode": mode, **usual, **(dns if mode == "acme_dns" else {}), **said}


def variables(tls: dict[str, Any], **said: Any) -> dict[str, Any]:
    """What is added to the lab's inventory."""
    secrets = {"kronos_secrets": {"traefik": {"dns_password": PASSWORD}}} if tls["mode"] == "acme_dns" else {}
    return {
        "kronos_stacks": ["own", "traefik"],
        "kronos_services_scenario": services(),
        "kronos_users": people(),
        "kronos_lan": ["10.66.1.0/24", *labtest.host_variables()["kronos_lan"]],
        "kronos_tls": tls,
        "traefik_ban": {"failures": 5, "within": "2m", "for": "20s"},
        **secrets,
        **said,
    }


def converge(tls: dict[str, Any], *arguments: str, **said: Any) -> Run:
    """Run site.yml for the scenario's home."""
    return labtest.site(*arguments, **variables(tls, **said))


def put(host: Any, path: str, content: bytes) -> None:
    """Write a file on the host that everybody may read."""
    text = content.hex()
    host.check_output(
        f"mkdir -p $(dirname {path}) && python3 -c 'print(end=bytes.fromhex(\"{text}\").decode())' > {path}"
    )


def prepare(host: Any) -> None:
    """What the authority and the talking service find in /srv/acme; an authority that is there stays."""
    if not host.file("/srv/acme/root.pem").exists:
        for name, content in make_authority().items():
            put(host, f"/srv/acme/{name}", content)
    AUTHORITY["root.pem"] = host.file("/srv/acme/root.pem").content
    put(host, "/srv/acme/password", PASSWORD.encode())
    put(host, "/srv/acme/talk.py", (HERE / "talk.py").read_bytes())


class Clients:
    """A machine beside the host with the addresses of several clients."""

    def __init__(self, host: Any) -> None:
        self.host = host

    def start(self) -> None:
        self.stop()
        lab = docker.from_env(version="auto").containers.get(f"kronos-lab-host-{HOST}")
        docker.from_env(version="auto").containers.run(
            lab.attrs["Config"]["Image"],
            ["infinity"],
            entrypoint="sleep",
            name=CLIENTS,
            network=next(iter(lab.attrs["NetworkSettings"]["Networks"])),
            detach=True,
            init=True,
            cap_add=["NET_ADMIN"],
            labels=lab.attrs["Config"]["Labels"] | {"kronos.lab.host": ""},
        )
        subprocess.run(["docker", "cp", str(HERE / "ask.py"), f"{CLIENTS}:/ask.py"], check=True, capture_output=True)
        for one in ADDRESSES:
            self.run("ip", "address", "add", f"{one}/32", "dev", "eth0")
            self.host.check_output(f"ip route replace {one}/32 dev eth0")

    def stop(self) -> None:
        subprocess.run(["docker", "rm", "--force", CLIENTS], capture_output=True, check=False)

    def run(self, *words: str) -> str:
        done = subprocess.run(["docker", "exec", CLIENTS, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(
        self, source: str, name: str, path: str = "/", headers: dict[str, str] | None = None, count: int = 1
    ) -> list[dict[str, Any]]:
        """What this client is answered, so many times; status 0 for no answer at all."""
        words = [source, address(), f"{name}.{DOMAIN}", path, "GET", json.dumps(headers or {}), str(count)]
        return [json.loads(line) for line in self.run("python3", "/ask.py", *words).splitlines()]

    def greeting(self, source: str, port: int) -> str:
        """What a port says first to this client."""
        listen = "import socket, sys; own, to, port = sys.argv[1:]; "
        listen += "print(socket.create_connection((to, int(port)), 5, (own, 0)).recv(99).decode())"
        return self.run("python3", "-c", listen, source, address(), str(port))

    def statuses(self, source: str, name: str, path: str = "/", count: int = 1, **headers: str) -> list[int]:
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        return [answer["status"] for answer in self.ask(source, name, path, sent, count)]


def served(name: str) -> dict[str, Any]:
    """The certificate that the proxy serves for a name below the domain: issuer, names, end, digest, PEM."""
    context = ssl._create_unverified_context()
    fqdn = f"{name}.{DOMAIN}"
    with socket.create_connection((address(), 443), 10) as raw, context.wrap_socket(raw, server_hostname=fqdn) as tls:
        der = tls.getpeercert(binary_form=True) or b""
    found = certificates.parse(ssl.DER_cert_to_PEM_cert(der).encode())[0]
    return {
        "issuer": found.issuer.rfc4514_string(),
        "names": certificates.names_of(found),
        "end": certificates.not_after(found),
        "digest": hashlib.sha256(der).hexdigest(),
    }


def pebble_root(host: Any) -> str:
    """The root that pebble has made at its start."""
    ask = "import ssl,urllib.request as u;c=ssl._create_unverified_context();"
    ask += "print(u.urlopen('https://127.0.0.1:15000/roots/0',context=c).read().decode())"
    return str(host.check_output(f'docker exec acme python3 -c "{ask}"'))


def proxy_log(host: Any) -> list[dict[str, Any]]:
    """The lines of the proxy's access log."""
    lines = host.check_output("journalctl -o cat CONTAINER_NAME=traefik --no-pager").splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]  # whole ones
    return [line for line in found if "DownstreamStatus" in line]
