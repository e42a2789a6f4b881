"""Draws the layers of one frame, far to near, as seen by any camera."""
