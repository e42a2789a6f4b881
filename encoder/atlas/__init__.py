"""Layers' textures in one picture per frame: packing, painting, colour under transparent texels."""
