# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports, table and closing words of the demo."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kronoslab import demo
from kronoslab.console import LabError
from kronoslab.hosts import Host
from kronoslab.place import Place

HOME = "https://home.demo.localhost:8443"
TASKS = [
    {"action": "kronos.homelab.plan", "services": {"homer": {}}},
    {
        "action": "kronos.homelab.summary",
        "services": [
            {"service": "homer", "url": HOME, "health": "healthy", "this run": "created"},
            {"service": "radarr", "url": "-", "health": "healthy", "this run": "created"},
            {"service": "sonarr", "url": "-", "health": "as before", "this run": "unchanged"},
            {"service": "nas", "url": "-", "health": "external", "this run": "unchanged"},
        ],
    },
    {
        "action": "kronos.homelab.verify",
        "rows": [
            {"kind": "container", "subject": "homer", "ok": True, "detail": "running"},
            {"kind": "container", "subject": "radarr", "ok": False, "detail": "exited"},
            {"kind": "container", "subject": "sonarr", "ok": True, "detail": "running"},
            {"kind": "route", "subject": "homer", "ok": True, "detail": "HTTP 200"},
        ],
    },
]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, (8080, 8443)),
        ({"KRONOS_DEMO_HTTP_PORT": ""}, (8080, 8443)),
        ({"KRONOS_DEMO_HTTP_PORT": "80", "KRONOS_DEMO_HTTPS_PORT": "443"}, (80, 443)),
    ],
)
def test_ports(environment: dict[str, str], expected: tuple[int, int]) -> None:
    assert demo.choose_ports(environment) == demo.Ports(*expected)


@pytest.mark.parametrize(
    "environment",
    [
        {"KRONOS_DEMO_HTTP_PORT": "http"},
        {"KRONOS_DEMO_HTTPS_PORT": "0"},
        {"KRONOS_DEMO_HTTPS_PORT": "65536"},
        {"KRONOS_DEMO_HTTPS_PORT": "8080"},
    ],
)
def test_bad_ports_name_their_variable(environment: dict[str, str]) -> None:
    with pytest.raises(LabError, match="KRONOS_DEMO_HTTP"):
        demo.choose_ports(environment)


def test_a_taken_port_is_named_with_its_remedy() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LabError, match=rf"port {port} .* KRONOS_DEMO_HTTP_PORT="):
            demo.check_free(demo.Ports(port, port), None)
        ours = Host("demo", "172.28.80.11", running=True, publish=(f"{port}:{port}",))
        demo.check_free(demo.Ports(port, port), ours)


def test_rows_show_what_verify_found() -> None:
    rows = {row["service"]: (row["health"], row["answer"]) for row in demo.table_rows(TASKS)}
    assert rows == {
        "homer": ("healthy", "HTTP 200"),
        "radarr": ("FAILED: exited", "-"),
        "sonarr": ("running", "-"),
        "nas": ("external", "-"),
    }


def test_no_records_no_rows() -> None:
    assert demo.table_rows([]) == []


def test_records_are_read_in_the_order_of_runs(tmp_path: Path) -> None:
    (tmp_path / "001-verify.json").write_text(json.dumps({"tasks": [{"task": "second"}]}))
    (tmp_path / "000-site.json").write_text(json.dumps({"tasks": [{"task": "first"}]}))
    assert [task["task"] for task in demo.read_records(tmp_path)] == ["first", "second"]


def test_table() -> None:
    assert demo.render(("service", "url"), [{"service": "a", "url": "https://a"}, {"service": "longer"}]) == [
        "service  url",
        "-------  ---------",
        "a        https://a",
        "longer   -",
    ]


@pytest.mark.parametrize(("chosen", "expected"), [(None, demo.CALLBACK), ("ansible.builtin.minimal",) * 2])
def test_runs_are_shown_by_our_callback_unless_the_user_wants_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chosen: str | None, expected: str
) -> None:
    monkeypatch.delenv("ANSIBLE_STDOUT_CALLBACK", raising=False)
    if chosen:
        monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", chosen)
    shown = []

    def run(command: list[str], **options: Any) -> Any:
        shown.append(options["env"]["ANSIBLE_STDOUT_CALLBACK"])
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(demo.subprocess, "run", run)
    assert demo._play(Place(tmp_path, tmp_path), "site.yml", tmp_path) == 0
    assert shown == [expected]


def test_closing_text_says_how_to_open_and_remove() -> None:
    rows = demo.table_rows(TASKS)
    text = demo.closing_text(rows, demo.Ports(8080, 8443), Path("/x/root.crt"), 61.4, verified=True)
    for part in ("61 s", "all green", HOME, "--cacert /x/root.crt", "make demo-down"):
        assert part in text
    assert "FAILED" in demo.closing_text(rows, demo.Ports(8080, 8443), None, 1, verified=False)
