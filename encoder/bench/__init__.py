"""Benchmarks: what this machine and this version do, as plain figures."""
