"""How long a reader of the guide waits, how much is loaded, and what Lighthouse says of the pages."""
