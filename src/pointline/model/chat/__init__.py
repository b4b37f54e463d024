"""A chat model behind an OpenAI-compatible address: asking it, and extracting by it."""
