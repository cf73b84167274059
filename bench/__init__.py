"""Measures this project's rates, CPU and memory on this machine: ``python -m bench``."""
