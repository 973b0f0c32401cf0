# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains for which browsers keep no cookie, so that nobody could log in below them.

The rule is the public suffix list (https://publicsuffix.org/list/). It has ten thousand entries and changes weekly:
these are the ones that homes are likely to be below.
"""

from __future__ import annotations

import ipaddress

PUBLIC = frozenset(
    """
    home.arpa
    co.uk org.uk me.uk ltd.uk plc.uk net.uk ac.uk com.au net.au org.au id.au com.br net.br org.br co.nz net.nz org.nz
    geek.nz co.za org.za co.jp ne.jp or.jp com.cn net.cn org.cn com.tw org.tw com.hk com.sg com.my com.mx com.ar com.tr
    gen.tr com.pl net.pl org.pl waw.pl co.at or.at co.il org.il co.in net.in org.in firm.in co.kr or.kr com.ua com.gr
    com.pt com.es nom.es org.es asso.fr com.fr co.hu com.ro com.ru msk.ru spb.ru uk.com us.com eu.com de.com co.com
    eu.org dedyn.io duckdns.org ddns.net dynv6.net dyndns.org dynalias.com freeddns.org hopto.org mooo.com myds.me
    no-ip.org nsupdate.info sytes.net zapto.org synology.me myqnapcloud.com spdns.de selfhost.eu goip.de i234.me
    github.io gitlab.io pages.dev workers.dev ts.net nip.io sslip.io
    """.split()  # noqa: SIM905 (a list of one name a line would be no easier to read)
)


def refused_domain(domain: str) -> str:
    """Why a browser keeps no cookie for the whole *domain*; empty where it does."""
    try:
        ipaddress.ip_address(domain)
    except ValueError:
        pass
    else:
        return "a bare address, for which no cookie is shared among names"
    if "." not in domain:
        return "a single label, for which browsers keep no cookie"
    return "a public suffix, for which browsers keep no cookie" if domain in PUBLIC else ""
