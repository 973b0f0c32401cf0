# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Honest requests; those with rules are taken for attacks, and pass where these rules are left out."""

from __future__ import annotations

from requests_table import Ask, as_json, form, get, query, send, upload

PHOTO = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 40

PAGES = [
    get("page", "/"),
    get("page with a long path", "/shows/season-3/episodes/12/subtitles/en.forced.srt"),
    get("asset", "/_app/immutable/chunks/index.B7xk2Qd.js?v=5.26.2"),
    get("range of a film", "/videos/7/stream.mkv", range="bytes=1048576-2097151"),
    get("event stream", "/api/events", accept="text/event-stream"),
    get("long cookies", "/", cookie="; ".join(f"part{n}={'aZ09' * 60}" for n in range(12))),
    get("login token", "/api/me", authorization="Bearer " + "eyJhbGciOiJIUzI1NiJ9." + "Zm9v" * 60 + ".c2ln"),
    get("referer with a query", "/", referer="https://app.example/search?q=films&sort=date%20desc"),
    get("conditional", "/poster.jpg", if_none_match='W/"5f-18c"', if_modified_since="Mon, 02 Nov 2026 10:00:00 GMT"),
    Ask("head", "/films/1", "HEAD"),
    Ask("options", "/api/films", "OPTIONS", headers={"Origin": "https://app.example"}),
    Ask("delete", "/api/v3/movie/12?deleteFiles=true", "DELETE"),
]
WORDS = [
    query("search: quotes", 'the "best" films'),
    query("search: apostrophe", "It's a wonderful life"),
    query("search: irish name", "O'Brien"),
    query("search: and, or", "salt and pepper or sugar"),
    query("search: select", "select a film from the list"),
    query("search: german", "Größe & Preis: 5 € - für Straßenfüße"),
    query("search: spanish", "¿Dónde está la película «El niño»?"),
    query("search: mathematics", "x > 5 and y < 3"),
    query("search: a percent", "100% cotton"),
    query("search: mail", "anna.lopez+films@home.example"),
    query("search: parentheses", "Blade Runner (1982) [remastered] {director}"),
    query("search: hash and slash", "C# / C++ / F#"),
    query("address in a parameter", "https://www.home.example/films/12", key="returnUrl"),
    query("sort and filter", "date:desc,title:asc", key="sort"),
    form("comment", "/comments", {"text": "I liked it; the end -- not so much!\r\nRegards, Anna", "stars": "4"}),
    form("long text", "/notes", {"text": "Der Zug fährt um 8:15 Uhr ab. " * 200}),
    form("password with signs", "/login", {"user": "anna", "password": "k7#Tz!m9$Qw&x(2)"}),
    as_json("markdown", "/api/notes", {"text": "# Shopping\n\n* milk\n* **bread**\n\n> see the map at 8"}),
    as_json("emoji", "/api/notes", {"text": "Gute Nacht 🌙 - bis morgen 👋"}),
]
CALLS = [
    as_json("radarr: add", "/api/v3/movie", {"title": "Das Boot", "tmdbId": 387, "monitored": True, "tags": [1]}),
    as_json("radarr: edit", "/api/v3/movie/1", {"id": 1, "path": "/data/films/Das Boot (1981)"}, method="PUT"),
    get("radarr: queue", "/api/v3/queue?page=1&pageSize=20&sortKey=timeleft&includeUnknownMovieItems=true"),
    as_json("immich: search", "/api/search/smart", {"query": "beach at night", "page": 1, "withExif": True}),
    as_json(
        "immich: many ids", "/api/assets", {"ids": [f"0f5a3c1e-{n:04x}-4b7a-9c1d-2f6e8a7b9c0d" for n in range(300)]}
    ),
    upload(
        "immich: photo", "/api/assets", "IMG_1234.jpg", "image/jpeg", PHOTO, deviceAssetId="IMG_1234-5", isFavorite="0"
    ),
    upload("immich: name with spaces", "/api/assets", "Foto (1) - Größe.jpg", "image/jpeg", PHOTO, deviceId="phone"),
    send(
        "nextcloud: propfind",
        "PROPFIND",
        "/remote.php/dav/files/anna/",
        "application/xml; charset=utf-8",
        b'<?xml version="1.0"?><d:propfind xmlns:d="DAV:"><d:prop><d:getetag/></d:prop></d:propfind>',
        depth="1",
    ),
    send("nextcloud: upload", "PUT", "/remote.php/dav/files/anna/Fotos/Gr%C3%B6%C3%9Fe%20(1).jpg", "image/jpeg", PHOTO),
    Ask("nextcloud: folder", "/remote.php/dav/files/anna/Neu", "MKCOL"),
    Ask(
        "nextcloud: move",
        "/remote.php/dav/files/anna/a.txt",
        "MOVE",
        headers={"Destination": "https://app.example/remote.php/dav/files/anna/b.txt"},
    ),
    send(
        "calendar",
        "PUT",
        "/remote.php/dav/calendars/anna/home/1.ics",
        "text/calendar; charset=utf-8",
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:Zahnarzt\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    ),
    send("put of a file", "PUT", "/files/disk.img", "application/octet-stream", bytes(range(256)) * 400),
    send("resumed upload", "PATCH", "/files/24e5", "application/offset+octet-stream", PHOTO, upload_offset="0"),
    send("patch", "PATCH", "/api/items/3", "application/merge-patch+json", b'{"name": "new name", "done": null}'),
    as_json("home assistant", "/api/services/light/turn_on", {"entity_id": "light.wohnzimmer", "brightness": 120}),
    as_json(
        "grafana query", "/api/ds/query", {"queries": [{"expr": 'sum(rate(http_requests_total{code=~"5.."}[5m]))'}]}
    ),
]
# The core rule set takes these for attacks, and it is told for each which rules to leave out.
TAKEN_FOR_ATTACKS = [
    query("taken: a search for SQL", "how to use UNION SELECT in SQL", 942190),
    as_json("taken: a recipe for the shell", "/api/notes", {"text": "Run: cat /etc/hosts"}, 930120),
    as_json(
        "taken: markdown",
        "/api/notes",
        {"text": "# Shopping\n\n* milk\n* **bread**\n\n[map](https://osm.org/?a=1) `ls -l`"},
        932100,
        933210,
    ),
    as_json(
        "taken: graphql",
        "/graphql",
        {"query": "query Films($n: Int) { films(first: $n) { id title } }", "variables": {"n": 5}},
        932100,
    ),
]
HONEST: list[Ask] = [*PAGES, *WORDS, *CALLS, *TAKEN_FOR_ATTACKS]
