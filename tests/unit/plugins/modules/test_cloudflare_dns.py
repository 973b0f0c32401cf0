# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cloudflare_dns module against the scenario's stand-in: prediction, run, second run, removal, no token yet."""

from __future__ import annotations

import importlib.util
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import receipts
from ansible_collections.kronos.homelab.plugins.modules import cloudflare_dns as module

STANDIN = Path(__file__).resolve().parents[4] / "molecule" / "outside" / "cloudflare_standin.py"
RECORDS = [{"name": "www.outside.localhost", "proxied": True}, {"name": "vpn.outside.localhost"}]


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """What the role asks, with folders of the test's own; the stand-in itself is below ``standin``."""
    spec = importlib.util.spec_from_file_location("cloudflare_standin", STANDIN)
    standin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(standin)
    server = ThreadingHTTPServer(("127.0.0.1", 0), standin.Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "token").write_text(standin.TOKEN + "\n")
    monkeypatch.setattr(module, "FOLDER", str(tmp_path / "cloudflare"))
    monkeypatch.setattr(module, "STATE", str(tmp_path / "state" / "cloudflare.json"))
    monkeypatch.setattr(receipts, "RECEIPTS", str(tmp_path / "receipts"))
    base = f"http://127.0.0.1:{server.server_port}"
    options = {"owner": "outside", "records": RECORDS, "token_file": str(tmp_path / "token")}
    options.update(api=f"{base}/client/v4", services4=[f"{base}/address/4"], services6=[f"{base}/address/6"])
    yield options, standin.WORLD
    server.shutdown()


def test_prediction_run_and_second_run(asked, run_module, tmp_path):
    options, world = asked
    predicted = run_module(module, check=True, **options)
    assert world.records["z2"] == []
    real = run_module(module, **options)
    assert predicted == real
    assert (real["changed"], len(real["created"]), real["addresses"]) == (True, 4, ["9.9.9.9", "2620:fe::fe"])
    assert {record["comment"] for record in world.records["z2"]} == {"managed by kronos.homelab outside"}
    world.asked.clear()
    again = run_module(module, **options)
    assert (again["changed"], again["diff"]) == (False, [])
    assert all(line.startswith("GET") for line in world.asked)
    assert (tmp_path / "cloudflare" / "wanted.json").stat().st_mode & 0o777 == 0o600
    assert receipts.read("cloudflare", "dns") is not None


def test_nothing_is_left(asked, run_module, tmp_path):
    options, world = asked
    run_module(module, **options)
    gone = run_module(module, **{**options, "records": [], "state": "absent"})
    assert (len(gone["deleted"]), world.records["z2"]) == (4, [])
    assert not (tmp_path / "cloudflare").exists()
    assert receipts.read("cloudflare", "dns") is None


def test_before_the_token_is_there(asked, run_module, tmp_path):
    options, world = asked
    (tmp_path / "token").unlink()
    foretold = run_module(module, check=True, **options)
    assert foretold["changed"]
    assert "nobody knows what Cloudflare has" in str(foretold["warnings"])
    assert "give the token as kronos_secrets.cloudflare.token" in run_module(module, **options)["msg"]
    gone = run_module(module, **{**options, "state": "absent"})
    assert "so the records of this host stay" in str(gone["warnings"])
    assert world.asked == []


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"addresses": ["x"]}, "addresses: 'x' does not appear"),
        ({"records": [{"name": "www.nowhere"}]}, "Cloudflare: no zone for www.nowhere"),
    ],
)
def test_mistakes(asked, run_module, said, message):
    assert message in run_module(module, **{**asked[0], **said})["msg"]
