"""A whole run on other machines: packed here, walked there, brought back."""
