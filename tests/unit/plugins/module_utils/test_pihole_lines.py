# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of Pi-hole's configuration: one spelling, what each is about, and CNAMEs that a DNS server starts on."""

from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.pihole_lines import Mistake, check_cnames, identity, tidy


def test_spellings_and_what_lines_are_about() -> None:
    assert tidy("hosts", " 192.0.2.1\tA  b # mine") == "192.0.2.1 a b"
    assert tidy("conditional", "true, 192.168.1.0/24 ,192.168.1.1,") == "true,192.168.1.0/24,192.168.1.1"
    assert identity("cnames", "A.example,b.example,60") == "a.example"
    assert identity("conditional", "true,192.168.1.0/24,192.168.1.1") == "192.168.1.0/24"
    assert identity("hosts", "192.0.2.1 a") == identity("hosts", "192.0.2.2 A") != identity("hosts", "::1 a")


def test_cnames_may_lead_to_each_other_but_not_round() -> None:
    check_cnames(["a.example,b.example", "b.example,c.example,60", "d.example,c.example"])
    # a circle further on is told once, by a name that stands in it
    with pytest.raises(Mistake) as caught:
        check_cnames(["a,b", "b,c", "c,b"])
    assert (caught.value.where, caught.value.found) == ("cnames", "the circle b -> c -> b")
