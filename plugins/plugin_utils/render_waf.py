# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The web application firewall: nginx with ModSecurity, between the proxy and the services of its routes.

Directives: https://nginx.org/en/docs/dirindex.html, https://github.com/owasp-modsecurity/ModSecurity-nginx

The proxy alone decides which route a request takes, and says so in a header that it sets itself. A second decision
here, by a path that nginx reads in its own way, could lead to a service that the proxy's rules keep closed.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.kronos.homelab.plugins.plugin_utils.cloudflare_ranges import cloudflare_ranges
from ansible_collections.kronos.homelab.plugins.plugin_utils.names import DNS_SAFE, URL, is_host_name
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Data, Plan, RenderError, revision
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_waf_rules import main_rules, route_rules

PORT = 8080
HEALTH_PORT = 8081
FOLDER = "/etc/kronos/waf"
BODIES = "/var/cache/waf"
ROUTE_HEADER = "X-Kronos-Route"
# On what the firewall answers itself, with the number under which its log has the request: so verify, and whoever
# looks for the cause, can tell a refusal of its own from one of the proxy or of the service.
REFUSED_HEADER = "X-Kronos-Refused"

_HEAD = """\
load_module /tmp/modules/ngx_http_modsecurity_module.so;
daemon off;
pid /tmp/nginx.pid;
error_log stderr error;
worker_processes 2;
worker_shutdown_timeout 1h;

events {
    worker_connections 2048;
}
"""

_HTTP = """\
access_log off;
server_tokens off;
default_type application/octet-stream;
keepalive_timeout 65s;
map_hash_bucket_size 512;
large_client_header_buffers 8 64k;
# ModSecurity reads a request's body before it goes on, so that larger ones wait in a file.
client_body_buffer_size 256k;
client_body_temp_path {bodies}/client 1;
proxy_temp_path /tmp/proxy;
fastcgi_temp_path /tmp/fastcgi;
uwsgi_temp_path /tmp/uwsgi;
scgi_temp_path /tmp/scgi;
# Docker's own resolver, for services that are known by a name.
resolver 127.0.0.11 valid=10s ipv6=off;
modsecurity_rules_file {folder}/modsecurity.conf;
# The log has no headers, so its number says whose request it was.
modsecurity_transaction_id "$kronos_route/$host/$request_id";
"""

_PROXY = """\
proxy_http_version 1.1;
proxy_set_header Host $http_host;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection $kronos_connection;
proxy_set_header {header} "";
proxy_hide_header {refused};
add_header {refused} $kronos_refused always;
proxy_redirect off;
# Answers and events go on as they come.
proxy_buffering off;
proxy_max_temp_file_size 0;
proxy_connect_timeout 5s;
proxy_send_timeout 1h;
proxy_read_timeout 1h;
proxy_ssl_server_name on;
proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;
"""

_PATTERNS = {"name": DNS_SAFE, "upstream": re.compile(URL)}


def waf_nginx(plan: Plan) -> str:
    """Return nginx.conf: every route behind the firewall, and the port that tells health and revision.

    Raises RenderError for a route whose text could mean more than a name, a host name or a URL.
    """
    mark = revision(_content(plan))
    return f"{_content(plan)}{_indented(_block('server', _health(mark)), 1)}}}\n"


def waf_rules(plan: Plan) -> str:
    """Return modsecurity.conf: the rules that all routes share. The plan changes nothing in it yet."""
    del plan
    return main_rules()


def waf_reload_check(plan: Plan) -> Data:
    """Return the HTTP check that holds when nginx runs with waf_nginx(plan): it serves that revision."""
    mark = revision(_content(plan))
    return {"http": {"port": HEALTH_PORT, "path": "/health", "expect": f"revision == '{mark}'"}}


def waf_marks(plan: Plan) -> dict[str, Data]:
    """Return the proxy's middlewares by which it tells the firewall the route, by name; see waf_mark."""
    return {
        waf_mark(route): {"headers": {"customRequestHeaders": {ROUTE_HEADER: str(route["name"])}}}
        for route in _routes(plan)
    }


def waf_mark(route: Mapping[str, Any]) -> str:
    """Return the name of the middleware that marks the requests of a route."""
    return f"waf-{route['name']}"


def _routes(plan: Plan) -> list[Mapping[str, Any]]:
    return [route for route in plan["routes"] if route["waf"]]


def _content(plan: Plan) -> str:
    """Return everything but the server of the health port, which carries the revision of this text."""
    routes = _routes(plan)
    for route in routes:
        _check(route)
    parts = [
        _HTTP.format(bodies=BODIES, folder=FOLDER),
        _clients(plan),
        _block("map $http_upgrade $kronos_connection", 'default upgrade;\n"" "";\n'),
        _block(f'map "$http_{ROUTE_HEADER.lower().replace("-", "_")} $host" $kronos_route', _names(routes)),
        _block("map $upstream_status $kronos_refused", '"" $request_id;\ndefault "";\n'),
        _PROXY.format(header=ROUTE_HEADER, refused=REFUSED_HEADER),
        _block("server", _server(routes)),
    ]
    # the rules count too: a change of theirs alone must be seen to be taken
    stamp = f"# rules {revision(main_rules())}\n"
    return f"{stamp}{_HEAD}\nhttp {{\n{_indented(''.join(parts), 1)}"


def _check(route: Mapping[str, Any]) -> None:
    for key, pattern in _PATTERNS.items():
        if not isinstance(route[key], str) or not pattern.fullmatch(route[key]):
            raise RenderError(f"routes.{route['name']}.{key}: {route[key]!r} cannot stand in nginx' configuration")
    if not _is_url(route["upstream"]):
        raise RenderError(f"routes.{route['name']}.upstream: {route['upstream']!r} is no address of a server")
    for name in route["names"]:
        if not isinstance(name, str) or not is_host_name(name):
            raise RenderError(f"routes.{route['name']}.names: {name!r} is no host name")


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        return bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        return False


def _clients(plan: Plan) -> str:
    """Return who may ask, and whom the address of the client is believed.

    Only the proxy may: other containers of the serving side would come past its rules, and its login.
    """
    proxy = plan["services"].get(plan["settings"]["ingress"]) or {}
    addresses = sorted({_network(one) for one in (proxy.get("addresses") or {}).values()})
    behind = plan["settings"]["web_from"] == "cloudflare"
    trusted = [*addresses, *(_network(one) for one in cloudflare_ranges(plan) if behind)]
    asks = "".join(f"{one} 1;\n" for one in addresses)
    lines = [f"set_real_ip_from {one};\n" for one in trusted]
    lines += ["real_ip_header X-Forwarded-For;\n", "real_ip_recursive on;\n"]
    return "".join(lines) + _block("geo $realip_remote_addr $kronos_proxy", f"default 0;\n{asks}")


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise RenderError(f"addresses: a network is wanted: {error}") from None


def _names(routes: Sequence[Mapping[str, Any]]) -> str:
    pairs = [f'"{route["name"]} {name}" {route["name"]};\n' for route in routes for name in route["names"]]
    return 'default "";\n' + "".join(pairs)


def _server(routes: Sequence[Mapping[str, Any]]) -> str:
    """Return the server of the routes: each is a location that no client can name."""
    head = [
        f"listen {PORT} default_server;\n",
        "if ($kronos_proxy = 0) {\n    return 444;\n}\n",
        'if ($kronos_route = "") {\n    return 421;\n}\n',
        "rewrite ^ /$kronos_route last;\n",
    ]
    blocks = [_block(f"location = /{route['name']}", "".join(_location(route))) for route in routes]
    return "".join([*head, *blocks])


def _location(route: Mapping[str, Any]) -> Iterator[str]:
    rules = route_rules(str(route["name"]), route["waf"])
    yield "modsecurity on;\n"
    yield "modsecurity_rules '\n" + "".join(f"    {rule}\n" for rule in rules) + "';\n"
    yield f"client_max_body_size {route['waf']['max_body']};\n"
    url = urlsplit(route["upstream"])
    if url.scheme == "https":
        yield f"proxy_ssl_verify {'on' if route['verify_upstream'] else 'off'};\n"
    # The request as it was sent: what nginx makes of its path is for nobody.
    yield f"proxy_pass {url.scheme}://{url.netloc}$request_uri;\n"


def _health(mark: str) -> str:
    answer = json.dumps({"status": "ok", "revision": mark})
    found = f"default_type application/json;\nreturn 200 '{answer}';\n"
    return f"listen {HEALTH_PORT};\n" + _block("location = /health", found) + _block("location /", "return 404;\n")


def _block(head: str, body: str) -> str:
    return f"{head} {{\n{_indented(body, 1)}}}\n"


def _indented(text: str, depth: int) -> str:
    return "".join("    " * depth + line if line.strip() else line for line in text.splitlines(keepends=True))
