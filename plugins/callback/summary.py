# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quiet output for people: what changed, what takes time, what failed, and how it ended."""

from __future__ import annotations

DOCUMENTATION = """
name: summary
type: stdout
short_description: Say what a run changes, and nothing else
version_added: 0.1.0
author:
  - The kronos.homelab authors (@kronos-homelab)
description:
  - Quiet while nothing happens. One line per thing that changed (a service with the keys that differ, a package, a
    network, a file, a secret by its name, a certificate, a unit); in check mode the same lines say what would be done.
  - Differences as always with C(--diff). Failures and hosts that cannot be reached in one block each, warnings as
    always.
  - Long tasks tell that they are still at it. For stacks it says what they are doing (which image is being pulled,
    which service is waited for), on a terminal in one line that is rewritten in place, else at most every ten seconds.
  - At the end come the tables that M(kronos.homelab.summary) makes, and for every host whether it is well.
  - With several hosts every line starts with the name of its host.
  - With C(-v) and more it shows tasks and results as P(ansible.builtin.default#callback) does, and the end as ever.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - set as C(stdout_callback) in the configuration
"""

import atexit
import os
import shutil
import sys
import textwrap
import time
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as DefaultCallback
from ansible_collections.kronos.homelab.plugins.plugin_utils import console
from ansible_collections.kronos.homelab.plugins.plugin_utils.change_lines import changes_of
from ansible_collections.kronos.homelab.plugins.plugin_utils.failure_text import failure_lines, headline
from ansible_collections.kronos.homelab.plugins.plugin_utils.running import Running
from ansible_collections.kronos.homelab.plugins.plugin_utils.summary import SETTLED, Ending, closing_lines, table_text

SUMMARY = "kronos.homelab.summary"
STACK = "kronos.homelab.stack"
SPEAKING = {"debug", "ansible.builtin.debug", "ansible.legacy.debug"}
# Their silence is their own (stack), or is meant (pause).
SILENT = {STACK, "pause", "ansible.builtin.pause", "ansible.legacy.pause"}
LONGEST_ITEM = 80


class CallbackModule(DefaultCallback):
    """Every event is either shown in our way or, with -v, in the way of Ansible's own callback."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "kronos.homelab.summary"

    def __init__(self) -> None:
        super().__init__()
        self._begun = time.monotonic()
        self._screen = console.Screen()
        self._running = Running()
        self._ticker: console.Ticker | None = None
        self._names: dict[str, str] = {}
        self._diffs: dict[str, str] = {}
        self._changes: dict[str, int] = {}
        self._trouble: dict[str, str] = {}
        self._sums: dict[str, dict[str, Any]] = {}

    @property
    def _verbose(self) -> bool:
        return bool(self._display.verbosity > 0)

    # -- the course of the run -------------------------------------------------------------------------------

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """A line appears when it is printed, also in a pipe."""
        self._begun = time.monotonic()
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(line_buffering=True)
        atexit.register(self._stop_ticker)
        super().v2_playbook_on_start(playbook)

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Know how many hosts there are, before the first fork."""
        self._play = play
        self._look_at_screen(len(_hosts_of(play)))
        if self._verbose:
            super().v2_playbook_on_play_start(play)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Quiet; the name is complete in this moment alone."""
        self._names[task._uuid] = task.name
        if self._verbose:
            super().v2_playbook_on_task_start(task, is_conditional)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Quiet."""
        if self._verbose:
            super().v2_playbook_on_handler_task_start(task)

    def v2_playbook_on_include(self, included_file: Any) -> None:
        """Quiet."""
        if self._verbose:
            super().v2_playbook_on_include(included_file)

    def v2_playbook_on_no_hosts_remaining(self) -> None:
        """Quiet: the end names them."""
        if self._verbose:
            super().v2_playbook_on_no_hosts_remaining()

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """A task begins on a host."""
        if _action(task) not in SILENT:
            self._running.begin(host.get_name(), self._names.get(task._uuid) or task.get_name())
        super().v2_runner_on_start(host, task)

    def v2_runner_retry(self, result: Any) -> None:
        """Shown with the task when that takes long."""
        if self._verbose:
            super().v2_runner_retry(result)
            return
        told = result.result
        self._running.again(result.host.get_name(), f"attempt {told.get('attempts')} of {told.get('retries')}")

    def v2_runner_on_async_poll(self, result: Any) -> None:
        """Quiet: the task is still running."""
        if self._verbose:
            super().v2_runner_on_async_poll(result)

    def v2_runner_on_async_ok(self, result: Any) -> None:
        """Quiet: its result comes anyway."""
        if self._verbose:
            super().v2_runner_on_async_ok(result)

    def v2_runner_on_async_failed(self, result: Any) -> None:
        """Quiet: its result comes anyway."""
        if self._verbose:
            super().v2_runner_on_async_failed(result)

    # -- results ---------------------------------------------------------------------------------------------

    def v2_on_file_diff(self, result: Any) -> None:
        """Kept until the line that it belongs to."""
        if self._verbose:
            super().v2_on_file_diff(result)
        elif not _is_loop(result) and result.result.get("diff") and result.result.get("changed"):
            self._diffs[result.host.get_name()] = self._get_diff(result.result["diff"])

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task went well."""
        self._running.end(result.host.get_name())
        if _action(result.task) == SUMMARY:
            self._sums[result.host.get_name()] = result.result
        self._went_well(result, super().v2_runner_on_ok)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """An item of a loop went well."""
        self._went_well(result, super().v2_runner_item_on_ok, self._item(result))

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Quiet."""
        self._running.end(result.host.get_name())
        self._skipped(result, super().v2_runner_on_skipped)

    def v2_runner_item_on_skipped(self, result: Any) -> None:
        """Quiet."""
        self._skipped(result, super().v2_runner_item_on_skipped)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task failed; its items have been shown already."""
        self._running.end(result.host.get_name())
        if self._verbose:
            self._remember_failure(result, ignore_errors)
            super().v2_runner_on_failed(result, ignore_errors)
            return
        self._handle_warnings(result.result)
        self._remember_failure(result, ignore_errors)
        if ignore_errors:
            self._say(result, [f"{result.task_name}: failed and ignored: {headline(_told(result))}"], C.COLOR_WARN)
        elif not any(one.get("failed") for one in _items(result)):
            self._block(result, "FAILED")

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """An item of a loop failed."""
        if self._verbose:
            super().v2_runner_item_on_failed(result)
            return
        self._handle_warnings(result.result)
        if not result.task_fields.get("ignore_errors"):
            self._block(result, "FAILED", self._item(result))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host cannot be reached."""
        self._running.end(result.host.get_name())
        if not result.task.ignore_unreachable:
            self._trouble[result.host.get_name()] = f"unreachable: {headline(_told(result))}"
        if self._verbose:
            super().v2_runner_on_unreachable(result)
            return
        self._handle_warnings(result.result)
        self._block(result, "UNREACHABLE", color=C.COLOR_UNREACHABLE)

    # -- the end ---------------------------------------------------------------------------------------------

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Tables, and how every host came out of it."""
        self._stop_ticker()
        if self._verbose:
            super().v2_playbook_on_stats(stats)
        hosts = sorted(stats.processed)
        check = bool(context.CLIARGS.get("check"))
        endings = [self._ending(host, stats.summarize(host)) for host in hosts]
        for ending in endings:
            if ending.host in self._sums:
                self._sum_up(ending, check)
        if not endings:
            return
        for ending, line in zip([*endings, None], closing_lines(endings, time.monotonic() - self._begun, check)):
            bad = ending.trouble if ending else any(one.trouble for one in endings)
            self._display.display(line, color=C.COLOR_ERROR if bad else C.COLOR_OK)

    def _ending(self, host: str, counts: dict[str, int]) -> Ending:
        bad = counts["failures"] or counts["unreachable"]
        trouble = self._trouble.get(host, "failed") if bad else ""
        return Ending(host, self._changes.get(host, 0), trouble, host in self._sums)

    def _sum_up(self, ending: Ending, check: bool) -> None:
        """The table; of several hosts those with nothing new show only their remarks."""
        summed = self._sums[ending.host]
        notes = [str(note) for note in summed["notes"]]
        if not self._screen.named or ending.changes or ending.trouble:
            self._display.display(table_text(ending.host, summed["services"], notes, check))
            return
        for note in notes:
            if note != SETTLED:
                self._display.display(f"{ending.host}: {note}")

    # -- how things are said ---------------------------------------------------------------------------------

    def _look_at_screen(self, hosts: int) -> None:
        named = self._screen.named or hosts > 1
        in_place = not named and not self._verbose and _is_terminal()
        screen = console.Screen(in_place, shutil.get_terminal_size().columns, named)
        console.use(screen)
        if screen == self._screen and self._ticker:
            return
        self._stop_ticker()
        self._screen = screen
        line = console.ProgressLine(screen, self._display)
        pause = 1.0 if in_place else 3.0
        self._ticker = console.Ticker(lambda: self._running.look(screen.named), line, pause, pause)
        self._ticker.start()

    def _stop_ticker(self) -> None:
        if self._ticker:
            self._ticker.stop()
            self._ticker = None

    def _went_well(self, result: Any, default: Any, item: str = "") -> None:
        silent = isinstance(result.task, TaskInclude) or _is_loop(result)
        changes = []
        if result.result.get("changed") and not silent:
            changes = changes_of(_action(result.task), result.result, result.task_name, item)
            host = result.host.get_name()
            self._changes[host] = self._changes.get(host, 0) + len(changes)
        if self._verbose:
            default(result)
            return
        self._handle_warnings_and_exception(result)
        if changes:
            self._say(result, [change.line(_is_check(result)) for change in changes], C.COLOR_CHANGED)
        if _action(result.task) in SPEAKING and not silent:
            self._say(result, self._spoken(result), None)
        diff = self._diffs.pop(result.host.get_name(), "")
        if diff and not silent:
            self._print(diff)

    def _skipped(self, result: Any, default: Any) -> None:
        if self._verbose:
            default(result)
        else:
            self._handle_warnings_and_exception(result)

    def _handle_warnings(self, res: Any) -> None:
        if res.get("warnings") or res.get("deprecations"):
            self._clear()
        super()._handle_warnings(res)

    def _spoken(self, result: Any) -> list[str]:
        """What a debug task wants to say, words as they are and data as the configuration says."""
        told = result.result
        self._clean_results(told, result.task.action)
        if isinstance(told.get("msg"), str):
            return str(told["msg"]).splitlines()
        return textwrap.dedent(str(self._dump_results(told)).strip("\n")).splitlines()

    def _block(self, result: Any, what: str, item: str = "", color: str = C.COLOR_ERROR) -> None:
        host = "" if self._screen.named else f" on {self.host_label(result)}"
        title = f"{what}{host}: {result.task_name}{f' [{item}]' if item else ''}"
        where = [f"(task at {place})"] if (place := _place(result.task)) else []
        self._say(result, [title, *(f"  {line}" for line in [*failure_lines(result.result), *where])], color)

    def _remember_failure(self, result: Any, ignored: bool) -> None:
        if not ignored:
            self._trouble[result.host.get_name()] = f"failed: {result.task_name}: {headline(_told(result))}"

    def _item(self, result: Any) -> str:
        text = " ".join(str(self._get_item_label(result.result)).split())
        return text if len(text) <= LONGEST_ITEM else f"{text[: LONGEST_ITEM - 1]}…"

    def _say(self, result: Any, lines: list[str], color: str | None) -> None:
        prefix = self._screen.prefix(self.host_label(result))
        self._print("\n".join(f"{prefix}{line}" for line in lines), color)

    def _print(self, text: str, color: str | None = None) -> None:
        self._clear()
        self._display.display(text, color=color)

    def _clear(self) -> None:
        """A line of progress may stand where we are about to print; a fork put it there."""
        if self._screen.in_place:
            self._display.display(console.CLEAR, screen_only=True, newline=False)


def _action(task: Any) -> str:
    return str(getattr(task, "resolved_action", None) or task.action)


def _items(result: Any) -> list[dict[str, Any]]:
    return [one for one in result.result.get("results") or [] if isinstance(one, dict)] if result.task.loop else []


def _is_loop(result: Any) -> bool:
    """Whether this is the result of a whole loop, whose items have come before."""
    return bool(result.task.loop) and "results" in result.result


def _told(result: Any) -> dict[str, Any]:
    """The result that says what failed: of a loop its first bad item."""
    return next((one for one in _items(result) if one.get("failed") or one.get("unreachable")), result.result)


def _is_check(result: Any) -> bool:
    return bool(result.task_fields.get("check_mode", result.task.check_mode))


def _place(task: Any) -> str:
    """File and line of a task, as short as can be; the collection of a checkout is found through a link."""
    path = os.path.realpath(task.get_path() or "")
    near = os.path.relpath(path)
    return "" if not task.get_path() else path if near.startswith("..") else near


def _hosts_of(play: Any) -> list[str]:
    variables = play.get_variable_manager().get_vars(play=play)
    return list(variables.get("ansible_play_hosts_all") or ())


def _is_terminal() -> bool:
    return bool(sys.stdout.isatty()) and os.environ.get("TERM", "dumb") != "dumb"
