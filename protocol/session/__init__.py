"""The wire protocol without any wire: bytes in, messages and events out. SPEC section 8."""
