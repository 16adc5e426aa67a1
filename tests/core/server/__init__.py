"""The backend over HTTP, on real databases."""
