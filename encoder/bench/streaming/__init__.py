"""Benchmarks of streaming: goodput, many clients, start and seek, adaptation, live, the ladder."""
