"""The backend's HTTP side: what a request may do, what it is answered, and how the processes are run."""
