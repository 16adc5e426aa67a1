"""The OpenAI API as a local server: chat completions, embeddings, models, and everything that can go wrong."""

from chatai_core.simulators.openai.server import OpenAI

__all__ = ["OpenAI"]
