"""Where a player gets a show from: a file, a static web server, a session over WebSocket or ZeroMQ."""
