"""Greetings, and a way to say them slowly."""

from .greeting import greet, spell

__all__ = ["greet", "spell"]
