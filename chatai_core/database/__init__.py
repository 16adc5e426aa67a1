"""Questions about the database itself: one ``.py`` and one ``.sql`` of the same name each."""
