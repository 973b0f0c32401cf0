# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image references, and fetching images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kronos.homelab.plugins.module_utils.compose import tail
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError, advice
from ansible_collections.kronos.homelab.plugins.module_utils.progress import PULL, SILENT, Progress
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Runner

AT_ONCE = 3
# What docker says, and what to look at then.
ADVICE = [
    ("no space left on device|disk quota", "no space is left for images: docker system df shows what they take"),
    ("lookup .* on |no such host|server misbehaving", "the host cannot resolve the name: see its /etc/resolv.conf"),
    ("x509:|tls:", "its certificate is not trusted; kronos_image_mirror_ca is the authority of a private registry"),
    ("unauthorized|denied|authentication required", "the registry wants a login, or has no such image"),
    ("manifest unknown|not found|does not exist", "the registry has no such image: check its name and tag"),
    ("toomanyrequests|rate limit", "the registry allows no more for now: wait, or set kronos_image_mirror"),
    (r"timeout|canceled|deadline|refused|unreachable|no route|reset by peer|\bEOF\b", "the registry does not answer"),
]


def split(ref: str) -> tuple[str, str]:
    """("registry:5000/name", "tag") of a reference; a colon before the last slash is a port."""
    head, slash, last = ref.partition("@")[0].rpartition("/")
    name, _colon, tag = last.partition(":")
    return f"{head}{slash}{name}", tag or "latest"


def pull(run: Runner, ref: str) -> None:
    """Fetch one image; raises KronosError with the registry's answer."""
    ran = run(["docker", "pull", "--quiet", ref], timeout=1800)
    if ran.code:
        said = tail(ran, 2)
        raise KronosError(f"image {ref} cannot be pulled: {said}{advice(said, ADVICE)}")


def pull_all(run: Runner, refs: Iterable[str], users: Mapping[str, Iterable[str]], progress: Progress = SILENT) -> None:
    """Fetch these images, a few at once; raises KronosError naming each that cannot be had and its users."""
    wanted = sorted(refs)
    progress.begin(PULL, wanted)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda ref: _try(run, ref, progress), wanted))
    wrong = [f"{', '.join(sorted(users.get(ref, ())))}: {answer}" for ref, answer in zip(wanted, answers) if answer]
    if wrong:
        raise KronosError("; ".join(wrong))


def _try(run: Runner, ref: str, progress: Progress) -> str:
    try:
        pull(run, ref)
    except KronosError as error:
        return str(error)
    progress.done(ref)
    return ""
