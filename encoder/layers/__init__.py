"""From shells to a few textured layers and their meshes."""
