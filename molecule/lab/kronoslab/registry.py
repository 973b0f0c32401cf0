# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's registry: a real one, over TLS by the lab's own CA, at a fixed address of the lab network."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import ssl
import time
from pathlib import Path

from . import network
from .build import Builder
from .console import LabError, run, run_logged, step
from .place import LABEL, NETWORK, REGISTRY_NAME, REGISTRY_PORT, Place
from .recipes import split_ref

CONTAINER = "kronos-lab-registry"
VOLUME = "kronos-lab-registry"
READY_SECONDS = 60
LOOPBACK_PORTS = range(5055, 5075)  # where this machine pushes; Docker asks no certificate on loopback
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)


def ensure_certificates(place: Place, address: str) -> None:
    """Make the lab's CA and the registry's certificate with openssl, unless they are there."""
    tls = place.tls
    names = f"subjectAltName=DNS:{REGISTRY_NAME},DNS:localhost,IP:127.0.0.1,IP:{address}\n"
    extensions = tls / "registry.ext"
    if (tls / "registry.crt").exists() and extensions.exists() and extensions.read_text() == names:
        return
    tls.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (tls / "ca.crt").exists():
        usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        _request(tls, "ca", "kronos lab CA", "-x509", "-days", "3650", *usage, "-out", str(tls / "ca.crt"))
    _request(tls, "registry", REGISTRY_NAME, "-out", str(tls / "registry.csr"))
    extensions.write_text(names)
    sign = ["openssl", "x509", "-req", "-in", str(tls / "registry.csr"), "-days", "3650", "-CAcreateserial"]
    sign += ["-CA", str(tls / "ca.crt"), "-CAkey", str(tls / "ca.key"), "-extfile", str(extensions)]
    run([*sign, "-out", str(tls / "registry.crt")])


def _request(tls: Path, key: str, common_name: str, *more: str) -> None:
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subject = ["-subj", f"/CN={common_name}", "-keyout", str(tls / f"{key}.key")]
    run(["openssl", "req", "-new", *new_key, *subject, *more])


def ensure(place: Place, builder: Builder) -> int:
    """Run the registry as it should be; return the loopback port to push to."""
    address = network.registry_address()
    ensure_certificates(place, address)
    image = builder.ensure("registry")
    config = _config_digest(place, image, address)
    found = _running()
    if found and found[0] == config and _answers(place, found[1]):
        return found[1]
    with step("registry"):
        run(["docker", "rm", "--force", CONTAINER], check=False)
        run(["docker", "volume", "create", "--label", LABEL, VOLUME])
        port = _free_port()
        create = ["docker", "create", "--name", CONTAINER, "--hostname", REGISTRY_NAME, "--label", LABEL]
        create += ["--label", f"kronos.lab.config={config}", "--restart=unless-stopped"]
        create += ["--network", NETWORK, "--ip", address, "--publish", f"127.0.0.1:{port}:{REGISTRY_PORT}"]
        run([*create, "--volume", f"{VOLUME}:/var/lib/registry", image])
        for name in ("registry.crt", "registry.key"):
            run(["docker", "cp", str(place.tls / name), f"{CONTAINER}:/etc/kronos-lab/{name}"])
        run(["docker", "start", CONTAINER])
        _wait(place, port)
    return port


def push(place: Place, builder: Builder, ref: str, port: int) -> None:
    """Build an image and push it, unless the registry has exactly that image under its name."""
    local = builder.ensure(ref)
    if _digest_in_registry(place, ref, port) in _known_digests(local):
        return
    target = f"127.0.0.1:{port}/{ref}"
    with step(f"push  {ref}"):
        run(["docker", "tag", local, target])
        run_logged(["docker", "push", "--quiet", target], place.logs / "push.log", timeout=600)


def loopback_port() -> int | None:
    """Port on this machine's loopback where the registry answers, if it runs."""
    found = _running()
    return found[1] if found else None


def _config_digest(place: Place, image: str, address: str) -> str:
    certificate = (place.tls / "registry.crt").read_text()
    return hashlib.sha256(f"{image} {address} {certificate}".encode()).hexdigest()[:16]


def _running() -> tuple[str, int] | None:
    """Configuration digest and loopback port of the registry that runs, if any."""
    shown = run(["docker", "container", "inspect", CONTAINER], check=False)
    if shown.returncode != 0:
        return None
    container = json.loads(shown.stdout)[0]
    bindings = container["NetworkSettings"]["Ports"].get(f"{REGISTRY_PORT}/tcp") or []
    if not container["State"]["Running"] or not bindings:
        return None
    return container["Config"]["Labels"].get("kronos.lab.config", ""), int(bindings[0]["HostPort"])


def _free_port() -> int:
    for port in LOOPBACK_PORTS:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise LabError(f"no free port on 127.0.0.1 from {LOOPBACK_PORTS.start} to {LOOPBACK_PORTS.stop - 1}")


def _head(place: Place, port: int, path: str) -> http.client.HTTPResponse:
    context = ssl.create_default_context(cafile=str(place.tls / "ca.crt"))
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
    try:
        connection.request("HEAD", path, headers={"Accept": ", ".join(MANIFESTS)})
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()


def _answers(place: Place, port: int) -> bool:
    try:
        return _head(place, port, "/v2/").status == 200
    except (OSError, http.client.HTTPException):
        return False


def _wait(place: Place, port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(place, port):
        if time.monotonic() > deadline:
            logs = run(["docker", "logs", "--tail", "15", CONTAINER], check=False)
            raise LabError(f"the registry does not answer on 127.0.0.1:{port}\n{logs.stdout}{logs.stderr}")
        time.sleep(0.2)


def _digest_in_registry(place: Place, ref: str, port: int) -> str | None:
    repository, tag = split_ref(ref)
    response = _head(place, port, f"/v2/{repository}/manifests/{tag}")
    return response.getheader("Docker-Content-Digest") if response.status == 200 else None


def _known_digests(image: str) -> set[str]:
    shown = run(["docker", "image", "inspect", "--format", "{{json .RepoDigests}}", image])
    return {name.rpartition("@")[2] for name in json.loads(shown.stdout) or []}


def ca_certificate(place: Place) -> str:
    """PEM of the lab's CA."""
    return Path(place.tls / "ca.crt").read_text()
