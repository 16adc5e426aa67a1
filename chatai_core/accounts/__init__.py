"""Who may do what: users, their passwords, their sessions, and how often they may try."""
