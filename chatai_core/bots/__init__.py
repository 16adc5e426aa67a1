"""The bots: what their owners want, the processes that run them, and what is observed of them."""
