"""The only code that touches the outside: programs, databases, HTTP, processes, files, keys."""
