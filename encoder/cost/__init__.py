"""What drawing a show costs: how many screens are blended, triangles, draws. SPEC 4.5."""
