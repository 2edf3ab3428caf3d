"""Places that are not this machine: files at URLs, through fsspec. Nothing here touches the network unless asked.

Only the text of URLs is handled without fsspec; the rest loads on first use.
"""

from __future__ import annotations

from tunewright.remote.urls import has_secrets, is_url, joined, name_of, place, redacted, shown

__all__ = ["has_secrets", "is_url", "joined", "name_of", "place", "redacted", "shown"]
