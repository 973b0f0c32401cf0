# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drifts of containers, images and networks."""

from __future__ import annotations

from drifts.row import STACKS, Drift

UP = "docker inspect -f '{{{{.State.Status}}}}' {0} | grep -qx running"
ECHO = "registry.kronos-lab:5000/docker.io/kronos/echo:1.0"
HOMER = "registry.kronos-lab:5000/docker.io/b4bz/homer:v25.05.2"
DATA = "kronos-data-own"
MEMBERS = {"front": "recreated: networks", "vault": "recreated: networks"}
LEAVE = f"for each in front vault; do docker network disconnect -f {DATA} $each; done; docker network rm {DATA}"
LABELS = (
    f"$(docker network inspect -f '{{{{range $k, $v := .Labels}}}}--label {{{{$k}}}}={{{{$v}}}} {{{{end}}}}' {DATA})"
)
TALKS = """docker exec front python3 -c "import socket; socket.create_connection(('vault', 8080), 3)" """


def up(*names: str) -> str:
    """A command that holds when these containers run."""
    return " && ".join(UP.format(name) for name in names)


def joined(container: str, network: str) -> str:
    """A command that holds when the container is on the network."""
    return f"docker inspect -f '{{{{json .NetworkSettings.Networks}}}}' {container} | grep -q '\"{network}\"'"


TABLE = [
    Drift(
        name="container removed",
        harm="docker rm -f hello",
        reason="container hello: is gone",
        actions={"hello": "created"},
        healed=up("hello"),
    ),
    Drift(
        name="container stopped",
        harm="docker stop -t 1 sonarr",
        reason="container sonarr: exited, was running",
        actions={"sonarr": "started: state"},
        healed=up("sonarr"),
    ),
    Drift(
        name="container paused",
        harm="docker pause radarr",
        reason="container radarr: paused, was running",
        actions={"radarr": "started: state"},
        healed=up("radarr"),
    ),
    Drift(
        name="container renamed",
        harm="docker rename hello hallo",
        reason="container hallo: bears our label, but no run left it",
        actions={"hello": "recreated: container_name"},
        healed=f"{up('hello')} && ! docker inspect hallo",
    ),
    Drift(
        name="container given other limits",
        harm="docker update --memory 700m --memory-swap 900m radarr",
        reason="container radarr: other options",
        actions={"radarr": "recreated: mem_limit, memswap_limit"},
        healed="docker inspect -f '{{.HostConfig.Memory}}' radarr | grep -qx 1073741824",
        thorough=True,
    ),
    Drift(
        name="container given another restart policy",
        harm="docker update --restart no homer",
        reason="container homer: other options",
        actions={"homer": "recreated: restart"},
        healed="docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' homer | grep -qx unless-stopped",
    ),
    Drift(
        name="container taken off a network",
        harm="docker network disconnect kronos-in-default jellyfin",
        reason="container jellyfin: not on network kronos-in-default any more",
        actions={"jellyfin": "recreated: networks"},
        healed=joined("jellyfin", "kronos-in-default"),
    ),
    Drift(
        name="container given another address",
        harm="docker network disconnect kronos-in-default sonarr && docker network connect kronos-in-default sonarr",
        reason="container sonarr: another address",
        actions={"sonarr": "recreated: networks"},
        healed="docker inspect -f '{{json .NetworkSettings.Networks}}' sonarr | grep -q IPv4Address",
    ),
    Drift(
        name="container put on a network",
        harm="docker network connect bridge transmission",
        reason="container transmission: on network bridge by hand",
        actions={"transmission": "recreated: networks"},
        healed=f"! {joined('transmission', 'bridge')}",
    ),
    Drift(
        name="container made anew from an edited file",
        harm=f"cd {STACKS}/own && sed '/^  hello:/,/^  [a-z]*:$/s/^    image:.*/&\\n    hostname: elsewhere"
        "\\n    environment: {LATE: by-hand-4711}/' compose.yml > $D/compose.yml && docker compose "
        "--project-directory . -f $D/compose.yml -p kronos-own up -d --no-deps hello && "
        "docker exec hello printenv LATE",
        reason="container hello: made anew by hand",
        actions={"hello": "recreated: environment.LATE, hostname"},
        healed="! docker exec hello printenv LATE",
        thorough=True,
    ),
    Drift(
        name="container made anew as it was",
        harm=f"cd {STACKS}/own && docker compose -p kronos-own up -d --no-deps --force-recreate hello",
        reason="container hello: made anew by hand",
        touches=("hello",),
        healed=up("hello"),
    ),
    Drift(
        name="container of a job removed",
        harm="docker rm migrate",
        reason="container migrate: is gone",
        actions={"migrate": "created"},
        healed="docker logs migrate | grep -q migrated",
    ),
    Drift(
        name="container restarted",
        harm="docker restart -t 1 hello",
        reason="",
        healed=up("hello"),
    ),
    Drift(
        name="tag moved to another image",
        before="docker inspect -f '{{.Image}}' homer > image",
        harm=f"printf 'FROM {HOMER}\\nLABEL by=hand\\n' | DOCKER_BUILDKIT=0 docker build -qt {HOMER} -",
        reason=f"image {HOMER}: the name means another image now",
        actions={"homer": "recreated: image"},
        healed=f"{up('homer')} && [ $(docker inspect -f '{{{{.Image}}}}' homer) = "
        f"$(docker images -q --no-trunc {HOMER}) ]"
        " && ! grep -q $(docker inspect -f '{{.Image}}' homer) image",
    ),
    Drift(
        name="tag taken away",
        before=f"docker tag {ECHO} kept:1",
        harm=f"docker rmi {ECHO}",
        reason="",
        healed=up("hello"),
        after=f"docker tag kept:1 {ECHO} && docker rmi kept:1",
    ),
    Drift(
        name="network removed",
        harm=LEAVE,
        reason=f"network {DATA}: is gone",
        actions=MEMBERS,
        shown=(f"network {DATA}",),
        healed=TALKS,
        thorough=True,
    ),
    Drift(
        name="network made anew with our labels",
        harm=f"labels={LABELS}; {LEAVE}; docker network create --internal $labels {DATA}",
        reason=f"network {DATA}: made anew by hand",
        actions=MEMBERS,
        healed=TALKS,
    ),
    Drift(
        name="network replaced by a foreign one",
        harm=f"{LEAVE}; docker network create {DATA}",
        reason=f"network {DATA}: made anew by hand",
        fails=f"a network {DATA} is there that this collection did not make",
        mended=f"docker network rm {DATA}",
        actions=MEMBERS,
        shown=(f"network {DATA}",),
        healed=TALKS,
    ),
    Drift(
        name="foreign container on our network",
        harm=f"docker run -d --name stranger --network kronos-in-default {HOMER}",
        reason="",
        notice="container stranger, which is not ours, is on our network kronos-in-default",
        healed=f"{up('stranger')} && {joined('stranger', 'kronos-in-default')}",
        after="docker rm -f stranger",
        thorough=True,
    ),
    Drift(
        name="foreign container in our compose project",
        harm=f"docker run -d --name guest --label com.docker.compose.project=kronos-own {HOMER}",
        reason="",
        notice="container guest, which is not ours, is in our compose project kronos-own",
        healed=up("guest"),
        after="docker rm -f guest",
        thorough=True,
    ),
    Drift(
        name="container with our labels",
        harm="docker run -d --name ghost --label com.docker.compose.project=kronos-own --label kronos.stack=own "
        f"--label com.docker.compose.service=ghost {ECHO}",
        reason="container ghost: bears our label, but no run left it",
        actions={"ghost": "removed"},
        healed="! docker inspect ghost",
    ),
    Drift(
        name="name taken by a foreign container",
        harm=f"docker rm -f hello && docker run -d --name hello {ECHO}",
        reason="container hello: made anew by hand",
        fails="the container name hello belongs to a container that is not ours",
        mended="docker rm -f hello",
        actions={"hello": "created"},
        healed=up("hello"),
    ),
]
