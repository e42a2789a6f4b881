"""Delivery of shows to players: HTTP and WebSocket on one port, ZeroMQ on another. SPEC sections 7 and 8."""
