"""Starting and stopping bots by hand: what is wanted is kept first, then the manager does it at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatai_core.bots import client, instances
from chatai_core.bots.client import ManagerDown
from chatai_core.bots.instances import Bot
from chatai_core.bots.status import BotStatus
from chatai_core.bots.wire import State
from chatai_core.errors import ChataiError
from chatai_core.i18n import _
from chatai_core.settings import Secret
from chatai_core.units import Seconds

if TYPE_CHECKING:
    from chatai_core.adapters.orm import Orm

Act = Callable[..., BotStatus]


@dataclass(frozen=True, slots=True)
class Switch:
    """Where what is wanted is kept, and who does it; ``wait`` is for how long, None returns at once."""

    orm: "Orm"
    manager_url: str
    key: Secret
    wait: Seconds | None = client.WAIT

    def start(self, bots: Sequence[Bot]) -> list[BotStatus]:
        """Let them run. Raises ManagerDown, or why one of them does not run; the others are started all the same."""
        return self._act(client.start, bots, "running")

    def stop(self, bots: Sequence[Bot]) -> list[BotStatus]:
        """Let them stop, their last answers given. Raises ManagerDown, Busy."""
        return self._act(client.stop, bots, "stopped")

    def restart(self, bots: Sequence[Bot]) -> list[BotStatus]:
        """Stop and start them; a stopped one is started. Raises as ``start``."""
        return self._act(client.restart, bots, "running")

    def tell(self) -> None:
        """Let the manager look at what was changed; when it is away, it looks when it comes back."""
        try:
            client.reconcile(self.manager_url, self.key)
        except ManagerDown:
            pass

    def _act(self, act: Act, bots: Sequence[Bot], wanted: State) -> list[BotStatus]:
        for bot in bots:
            instances.set_active(self.orm, bot.id, wanted == "running")
        try:
            told = [act(self.manager_url, self.key, bot.id, wait=None) for bot in bots]
            return told if self.wait is None else self._awaited(bots, wanted, self.wait)
        except ManagerDown as error:
            kept = _("That it should run is kept.") if wanted == "running" else _("That it should stop is kept.")
            raise ManagerDown(error.what, why=f"{kept} {error.why}", hint=error.hint) from error

    def _awaited(self, bots: Sequence[Bot], wanted: State, wait: Seconds) -> list[BotStatus]:
        done, failed = [], []
        for bot in bots:
            try:
                done.append(client.awaited(self.manager_url, bot.id, wanted, wait=wait))
            except ManagerDown:
                raise
            except ChataiError as error:
                failed.append(error)
        if failed:
            raise failed[0] if len(failed) == 1 else _all_of(failed, len(bots))
        return done


def _all_of(failed: list[ChataiError], asked: int) -> ChataiError:
    what = _("{failed} of {all} bots are not as wanted.").format(failed=len(failed), all=asked)
    return type(failed[0])(what, why=" ".join(map(str, failed[:5])), hint="chatai bots list")
