# SPDX-License-Identifier: GPL-3.0-or-later
"""gravity.db with upstream's tables, as far as the API shows them; and the update that fetches the lists."""

import re
import socket
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

STEVEN = "https://raw.githubusercontent.com/StevenBlack/hosts/master/hosts"
NOW = "(cast(strftime('%s', 'now') as int))"
DATES = f"date_added INTEGER NOT NULL DEFAULT {NOW}, date_modified INTEGER NOT NULL DEFAULT {NOW}"
SCHEMA = f"""
CREATE TABLE "group" (id INTEGER PRIMARY KEY AUTOINCREMENT, enabled BOOLEAN NOT NULL DEFAULT 1,
  name TEXT UNIQUE NOT NULL, {DATES}, description TEXT);
INSERT INTO "group" (id, enabled, name, description) VALUES (0, 1, 'Default', 'The default group');
CREATE TABLE domainlist (id INTEGER PRIMARY KEY AUTOINCREMENT, type INTEGER NOT NULL DEFAULT 0, domain TEXT NOT NULL,
  enabled BOOLEAN NOT NULL DEFAULT 1, {DATES}, comment TEXT, UNIQUE(domain, type));
CREATE TABLE adlist (id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL, enabled BOOLEAN NOT NULL DEFAULT 1,
  {DATES}, comment TEXT, date_updated INTEGER, number INTEGER NOT NULL DEFAULT 0, invalid_domains INTEGER NOT NULL
  DEFAULT 0, status INTEGER NOT NULL DEFAULT 0, abp_entries INTEGER NOT NULL DEFAULT 0, type INTEGER NOT NULL DEFAULT 0,
  UNIQUE(address, type));
CREATE TABLE client (id INTEGER PRIMARY KEY AUTOINCREMENT, ip TEXT NOT NULL UNIQUE, {DATES}, comment TEXT);
CREATE TABLE gravity (domain TEXT NOT NULL, adlist_id INTEGER NOT NULL);
CREATE TABLE antigravity (domain TEXT NOT NULL, adlist_id INTEGER NOT NULL);
CREATE TABLE info (property TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE domainlist_by_group (domainlist_id INTEGER NOT NULL, group_id INTEGER NOT NULL, PRIMARY KEY (1, 2));
CREATE TABLE adlist_by_group (adlist_id INTEGER NOT NULL, group_id INTEGER NOT NULL, PRIMARY KEY (1, 2));
CREATE TABLE client_by_group (client_id INTEGER NOT NULL, group_id INTEGER NOT NULL, PRIMARY KEY (1, 2));
""".replace("PRIMARY KEY (1, 2)", "UNIQUE ({0}, group_id)")
DOMAIN_TYPES = {("allow", "exact"): 0, ("deny", "exact"): 1, ("allow", "regex"): 2, ("deny", "regex"): 3}
LIST_TYPES = {"block": 0, "allow": 1}
CHECKED = ("raw.githubusercontent.com", "github.com")
PATIENCE = 4.0  # upstream waits for 120 s


class Database:
    """The tables, by the words of the API."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        fresh = not path.exists()
        self.db = sqlite3.connect(path, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        if fresh:
            schema = SCHEMA
            for name in ("domainlist_id", "adlist_id", "client_id"):
                schema = schema.replace("UNIQUE ({0}", f"UNIQUE ({name}", 1)
            self.db.executescript(schema)
            self.add("lists", {"address": STEVEN, "type": "block", "comment": "Migrated from /etc/pihole/adlists.list"})
            self.db.commit()

    def query(self, text: str, *values: Any) -> list[dict[str, Any]]:
        with self.lock:
            return [dict(row) for row in self.db.execute(text, values)]

    def _groups(self, table: str, number: int) -> list[int]:
        rows = self.query(f"SELECT group_id FROM {table}_by_group WHERE {table}_id = ? ORDER BY 1", number)
        return [row["group_id"] for row in rows]

    def rows(self, section: str) -> list[dict[str, Any]]:
        """Rows as the API lists them."""
        if section == "groups":
            found = self.query(
                'SELECT name, description AS comment, enabled, id, date_added, date_modified FROM "group"'
            )
            return [{**row, "enabled": bool(row["enabled"])} for row in found]
        table = {"domains": "domainlist", "lists": "adlist", "clients": "client"}[section]
        found = []
        for row in self.query(f"SELECT * FROM {table} ORDER BY id"):
            row["groups"] = self._groups(table, row["id"])
            if section == "domains":
                row["type"], row["kind"] = next(key for key, value in DOMAIN_TYPES.items() if value == row["type"])
                row["unicode"] = row["domain"]
            elif section == "lists":
                row["type"] = next(key for key, value in LIST_TYPES.items() if value == row["type"])
            else:
                row["client"], row["name"] = row.pop("ip"), None
            if "enabled" in row:
                row["enabled"] = bool(row["enabled"])
            found.append(row)
        return found

    def add(self, section: str, row: dict[str, Any]) -> None:
        """Insert a row; sqlite3.IntegrityError for a duplicate."""
        with self.lock:
            enabled, comment = int(row.get("enabled", True)), row.get("comment")
            if section == "groups":
                text = 'INSERT INTO "group" (name, enabled, description) VALUES (?, ?, ?)'
                self.db.execute(text, (row["name"], enabled, comment))
                self.db.commit()
                return
            if section == "domains":
                table, columns = "domainlist", "domain, type, enabled, comment"
                values = (row["domain"], DOMAIN_TYPES[(row["type"], row["kind"])], enabled, comment)
            elif section == "lists":
                table, columns = "adlist", "address, type, enabled, comment"
                values = (row["address"], LIST_TYPES[row["type"]], enabled, comment)
            else:
                table, columns, values = "client", "ip, comment", (row["client"], comment)
            marks = ", ".join("?" * len(values))
            cursor = self.db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)
            self._set_groups(table, int(cursor.lastrowid or 0), row.get("groups", [0]))
            self.db.commit()

    def _set_groups(self, table: str, number: int, groups: list[int]) -> None:
        self.db.execute(f"DELETE FROM {table}_by_group WHERE {table}_id = ?", (number,))
        for group in groups:
            self.db.execute(f"INSERT INTO {table}_by_group VALUES (?, ?)", (number, group))

    def change(self, section: str, number: int, row: dict[str, Any]) -> None:
        """Replace the fields of a row, its name or type included where they are given."""
        enabled, comment = int(row.get("enabled", True)), row.get("comment")
        with self.lock:
            if section == "groups":
                text = 'UPDATE "group" SET name = ?, enabled = ?, description = ? WHERE id = ?'
                self.db.execute(text, (row["name"], enabled, comment, number))
            elif section == "domains":
                kind = DOMAIN_TYPES[(row["type"], row["kind"])]
                text = "UPDATE domainlist SET type = ?, enabled = ?, comment = ? WHERE id = ?"
                self.db.execute(text, (kind, enabled, comment, number))
                self._set_groups("domainlist", number, row.get("groups", []))
            elif section == "lists":
                self.db.execute("UPDATE adlist SET enabled = ?, comment = ? WHERE id = ?", (enabled, comment, number))
                self._set_groups("adlist", number, row.get("groups", []))
            else:
                self.db.execute("UPDATE client SET comment = ? WHERE id = ?", (comment, number))
                self._set_groups("client", number, row.get("groups", []))
            self.db.commit()

    def drop(self, section: str, number: int) -> None:
        """Delete a row."""
        table = {"groups": '"group"', "domains": "domainlist", "lists": "adlist", "clients": "client"}[section]
        with self.lock:
            self.db.execute(f"DELETE FROM {table} WHERE id = ?", (number,))
            if section != "groups":
                self.db.execute(f"DELETE FROM {table}_by_group WHERE {table}_id = ?", (number,))
            self.db.commit()

    def update(self) -> Iterator[str]:
        """Fetch every list that counts, line by line of what upstream prints."""
        yield "  [i] Neutrino emissions detected...\n"
        end = time.monotonic() + PATIENCE
        while not any(resolves(name) for name in CHECKED):
            if time.monotonic() > end:
                yield "  [✗] DNS resolution is not available\n"
                return
            time.sleep(1)
        for row in [row for row in self.rows("lists") if row["enabled"]]:
            yield f"  [i] Target: {row['address']}\n"
            yield self._fetch(row)
        yield "  [✓] Building tree\n  [✓] Swapping databases\n  [✓] Done.\n"

    def _fetch(self, row: dict[str, Any]) -> str:
        table = "gravity" if row["type"] == "block" else "antigravity"
        try:
            with urllib.request.urlopen(row["address"], timeout=5) as stream:
                names = list(domains(stream.read().decode("utf-8", "replace")))
        except (OSError, ValueError):
            status = 3 if row["number"] else 4
            self.query("UPDATE adlist SET status = ? WHERE id = ?", status, row["id"])
            self.db.commit()
            return "  [✗] Status: Connection Refused\n  [✗] List download failed\n"
        with self.lock:
            self.db.execute(f"DELETE FROM {table} WHERE adlist_id = ?", (row["id"],))
            self.db.executemany(f"INSERT INTO {table} VALUES (?, ?)", [(name, row["id"]) for name in names])
            text = f"UPDATE adlist SET status = 1, number = ?, date_updated = {NOW} WHERE id = ?"
            self.db.execute(text, (len(names), row["id"]))
            self.db.execute("INSERT OR REPLACE INTO info VALUES ('updated', ?)", (str(int(time.time())),))
            self.db.commit()
        return f"  [✓] Status: Retrieval successful\n  [✓] Parsed {len(names)} exact domains\n"

    def blocked(self) -> set[str]:
        """Exact names that are answered with nothing."""
        block = self.query(
            "SELECT domain FROM gravity JOIN adlist ON adlist.id = adlist_id WHERE enabled AND domain NOT IN "
            "(SELECT domain FROM antigravity JOIN adlist ON adlist.id = adlist_id WHERE enabled)"
        )
        deny = self.query("SELECT domain FROM domainlist WHERE type = 1 AND enabled")
        allow = self.query("SELECT domain FROM domainlist WHERE type = 0 AND enabled")
        return {row["domain"] for row in [*block, *deny]} - {row["domain"] for row in allow}

    def blocked_below(self) -> set[str]:
        """Domains of expressions of the form (^|\\.)name$; of others the lab's dnsmasq knows nothing."""
        found = self.query("SELECT domain FROM domainlist WHERE type = 3 AND enabled")
        matches = [re.fullmatch(r"\(\\\.\|\^\)(.+)\$|\(\^\|\\\.\)(.+)\$", row["domain"]) for row in found]
        return {(match[1] or match[2]).replace("\\", "") for match in matches if match}


def resolves(name: str) -> bool:
    """Whether the container's own resolver knows the name."""
    try:
        return bool(socket.getaddrinfo(name, 443))
    except OSError:
        return False


def domains(text: str) -> Iterator[str]:
    """Names in a list, in the form of a hosts file or one a line."""
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words:
            yield words[-1].lower()
