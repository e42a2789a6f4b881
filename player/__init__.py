"""Decodes a show and composites it at the head's pose."""
