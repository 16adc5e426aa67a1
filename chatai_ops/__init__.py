"""The chatai command: a thin skin that asks the core and shows the answer."""
