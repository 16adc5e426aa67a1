"""One file = one group of commands = one section of the runbook."""
