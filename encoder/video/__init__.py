"""The layers' pictures as ordinary video: colour conversion, one closed group of pictures per chunk, codec strings."""
