# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories for property tests: sound ones whose texts are as odd as a record allows, and ones with garbage."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = ["a", "blog", "c3", "data-base", "e-2", "film"]

# What means something to a shell, YAML, Jinja, compose, Traefik, HTML or PromQL, and letters of other scripts.
SIGNS = "$`\"'\\{}[]()<>:;#&*!|%@~?-=+,./ é€ש日😀\u00a0\u00ad"
INJECTIONS = [
    "${HOME}",
    "$HOME$$",
    "$(id)",
    "`id`",
    "'; id; '",
    "` || Host(`evil`)",
    "- a: b",
    "key: value",
    "*alias",
    "&anchor",
    "!!python/object:os.system",
    "<script>alert(1)</script>",
    '" onload="x',
    "yes",
    "null",
    "~",
    "0x1f",
    "1e3",
    "12:30:45",
    "2026-01-01",
    "--privileged",
    "../../etc/passwd",
    "<<",
    "=",
    "\\n",
    "\\x1b[31m",
    "%s%n",
    "} or vector(1)",
]


def _untemplated(text: str) -> bool:
    """Templates of the inventory are rendered by Ansible, on purpose."""
    return not any(mark in text for mark in ("{{", "{%", "{#"))


LINES = (st.sampled_from(INJECTIONS) | st.text(alphabet=SIGNS + "abcXYZ019", max_size=12)).filter(_untemplated)
# Values of variables and arguments of commands: line ends and control characters too.
TEXTS = (LINES | st.text(alphabet=SIGNS + "\n\r\t\x01\x1b\x7f\x85\u2028\ufeffab", max_size=12)).filter(_untemplated)
SCALARS = TEXTS | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
VARIABLES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(lambda name: not name.endswith("_FILE"))
PATHS = st.from_regex(r"/[A-Za-z0-9._~/@%+=,;&?*-]{0,12}", fullmatch=True)
# What a request's path can be once the proxy has cleaned it.
PREFIXES = st.from_regex(r"(/[A-Za-z0-9_~@+=,&*-][A-Za-z0-9._~@+=,&*-]{0,5}){1,2}/?|/", fullmatch=True)
TARGETS = st.from_regex(r"/[a-z $'\"{}#&*!é-]{1,10}[a-z]", fullmatch=True).filter(_untemplated)
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(LINES, inner, max_size=2), max_leaves=4
)
LABELS = st.dictionaries(LINES, SCALARS, max_size=2) | st.lists(LINES, max_size=2)
COMPOSE = st.fixed_dictionaries({}, optional={"labels": LABELS, "x-note": NESTED, "dns_search": NESTED})


# What no schema expects: any kind, nested, with everything that text may hold.
GARBAGE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["\0", "\ud800", "{{ x }}", "{% if %}", "..", *INJECTIONS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def _optional(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keys)


@st.composite
def records(draw: st.DrawFn, name: str, port: int, earlier: list[str]) -> dict[str, Any]:
    """One sound record. Ports are the caller's, so that no two services want the same; `earlier` ones may be needed."""
    record = draw(
        _optional(
            summary=LINES,
            environment=st.dictionaries(VARIABLES, SCALARS, max_size=3),
            command=st.lists(TEXTS, max_size=3) | TEXTS,
            entrypoint=st.lists(TEXTS, min_size=1, max_size=2),
            read_only=st.booleans(),
            init=st.booleans(),
            user=st.fixed_dictionaries(
                {"uid": st.integers(0, 70000), "gid": st.integers(0, 70000), "how": st.sampled_from(["run", "puid"])}
            ),
            tmpfs=st.lists(st.sampled_from(["/tmp", "/run:size=8m"]), max_size=2, unique=True),
            limits=_optional(
                memory=st.sampled_from(["64m", "1g", "1.5g"]), pids=st.integers(1, 999), cpus=st.floats(0.1, 8)
            ),
            capabilities=st.lists(st.sampled_from(["CHOWN", "SETUID", "NET_RAW"]), max_size=2, unique=True),
            health=st.sampled_from([8080, 9000]).flatmap(
                lambda number: (
                    st.fixed_dictionaries({"http": st.fixed_dictionaries({"port": st.just(number), "path": PATHS})})
                    | st.fixed_dictionaries({"command": TEXTS | st.lists(TEXTS, min_size=1, max_size=2)})
                )
            ),
            tile=st.fixed_dictionaries({"group": LINES}, optional={"name": LINES, "subtitle": LINES, "icon": LINES}),
            metrics=st.lists(st.fixed_dictionaries({"port": st.just(9100), "path": PATHS}), max_size=1),
            alerts=st.lists(
                st.fixed_dictionaries({"alert": st.just("Odd"), "expr": TEXTS.filter(bool), "summary": LINES}),
                max_size=1,
            ),
            compose=COMPOSE,
            zone=st.sampled_from(["apps", "media", "edge"]),
            volumes=st.lists(
                st.fixed_dictionaries({"name": st.sampled_from(["config", "x_1"]), "target": TARGETS}),
                max_size=2,
                unique_by=lambda volume: volume["target"].rstrip("/"),
            ),
            routes=st.lists(
                st.fixed_dictionaries(
                    {
                        "host": st.just(name),
                        "port": st.just(80),
                        "access": st.sampled_from(["public", "lan", "vpn", "authenticated"]),
                        "path": PREFIXES,
                    }
                ),
                max_size=2,
                unique_by=lambda route: route["path"].rstrip("/"),
            ),
            ports=st.just([{"port": port, "reach": "lan"}]),
            needs=st.lists(st.sampled_from(earlier), max_size=2, unique=True) if earlier else st.just([]),
            talks_to=st.lists(st.sampled_from(NAMES[:1]), max_size=1),
        )
    )
    if draw(st.booleans()):
        record["secrets"] = {"token": {"format": "hex", "plain_env": "a test"}, "key_2": {}}
        record.setdefault("environment", {}).update({"TOKEN": {"secret": "token"}, "KEY_FILE": {"secret": "key_2"}})
    return {"image": f"docker.io/x/{name}:1", **record}


@st.composite
def inventories(draw: st.DrawFn) -> dict[str, Any]:
    """The variables of a sound inventory: every one of them makes a plan."""
    count = draw(st.integers(1, len(NAMES)))
    services: dict[str, Any] = {}
    for index, name in enumerate(NAMES[:count]):
        services[name] = draw(records(name, 7000 + index, NAMES[:index]))
    variables: dict[str, Any] = {"kronos_services": services}
    if draw(st.booleans()):
        variables["kronos_zones"] = {"media": {}, "edge": {"network": {"subnet": "172.22.9.0/24"}}}
    if draw(st.booleans()):
        variables["kronos_https_port"] = 8443
    if draw(st.booleans()):
        variables["kronos_stacks"] = ["traefik", "monitoring", "dashboard"]
    return variables
