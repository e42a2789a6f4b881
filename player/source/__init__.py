"""Where the bytes of a show come from."""
