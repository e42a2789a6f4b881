"""Rigs: camera models, the formats in which calibrations arrive, and where the show's frame lies."""
