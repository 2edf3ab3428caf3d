"""The stories: how stages are put together. Start reading at `run`."""
