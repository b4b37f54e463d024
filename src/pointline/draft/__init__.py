"""What a chat model proposes and rules keep: text-level labels, translations."""
