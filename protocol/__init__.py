"""What both ends agree on: poses, the show's format, its limits and its errors. See SPEC.md."""
