"""The one model: backbone, tokens, encoder, head, and what of it trains."""
