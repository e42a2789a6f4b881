"""Turns a rig's footage into a show."""
