"""Where canonical stock comes from: one module per kind of source behind the protocol in `base`."""
