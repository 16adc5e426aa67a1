"""Settings: which are in force, where they come from, whether they will do."""

from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core import configuration
from chatai_core.configuration import InForce, Traced
from chatai_core.findings import Survey
from chatai_core.i18n import _
from chatai_ops.app import Commands

if TYPE_CHECKING:
    from chatai_core.installation import Installation

app = Commands(_("Show the settings and check them."))

Origin = Annotated[bool, typer.Option("--origin", help=_("Say where each value comes from."))]


@app.command(examples=["chatai config show --origin", "chatai --profile staging config show --json"])
def show(chatai: "Installation", origin: Origin = False) -> list[InForce] | list[Traced]:
    """Every setting and its value; secrets are masked.

    What was given wins in this order: command line, environment, .env, /etc/chatai/chatai.env, default.
    """
    if origin:
        return configuration.traced(chatai.settings, chatai.given)
    return configuration.in_force(chatai.settings)


@app.command(examples=["chatai config check", "ENVIRONMENT=production chatai config check --json"])
def check(chatai: "Installation") -> Survey:
    """Whether the settings will do, also for production.

    Exit code 0 fine, 1 warning, 2 critical; 78 when the settings cannot even be read.
    """
    return configuration.check(chatai.settings, configuration.here())


@app.command(watch=False, examples=["chatai config example > .env.example"])
def example(chatai: "Installation") -> str:
    """A settings file with every setting, its sentence and its default."""
    return configuration.template()
