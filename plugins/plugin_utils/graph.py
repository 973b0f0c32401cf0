# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Order of things that need each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def find_cycles(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """One cycle for each knot of nodes that reach each other, from its smallest node; unknown nodes are ignored."""
    cycles: list[list[str]] = []
    done: set[str] = set()
    for start in sorted(edges):
        if start in done:
            continue
        cycle = _shortest_way_back(start, edges)
        if cycle:
            cycles.append(cycle)
            done.update(_reachable(start, edges) & _reaching(start, edges))
    return cycles


def _shortest_way_back(start: str, edges: Mapping[str, Iterable[str]]) -> list[str]:
    ways: list[list[str]] = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for target in sorted(set(edges.get(way[-1], ()))):
            if target == start:
                return [*way, start]
            if target in edges and target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return []


def _reachable(start: str, edges: Mapping[str, Iterable[str]]) -> set[str]:
    found, todo = {start}, [start]
    while todo:
        for target in edges.get(todo.pop(), ()):
            if target in edges and target not in found:
                found.add(target)
                todo.append(target)
    return found


def _reaching(goal: str, edges: Mapping[str, Iterable[str]]) -> set[str]:
    back: dict[str, list[str]] = {node: [] for node in edges}
    for node, targets in edges.items():
        for target in targets:
            if target in back:
                back[target].append(node)
    return _reachable(goal, back)


def in_order(nodes: Iterable[str], edges: Mapping[str, Iterable[str]]) -> list[str]:
    """The nodes with what they need before them, else in the given order; within a cycle in the given order."""
    listed = list(dict.fromkeys(nodes))
    known, placed, result = set(listed), set[str](), list[str]()
    waiting = {
        node: {target for target in edges.get(node, ()) if target in known and target != node} for node in listed
    }
    while len(result) < len(listed):
        left = [node for node in listed if node not in placed]
        chosen = next((node for node in left if waiting[node] <= placed), left[0])
        result.append(chosen)
        placed.add(chosen)
    return result
