import time


def greet(name):
    """Greet somebody by name, or everybody."""
    name = " ".join(name.split())
    return f"Hello, {name or 'world'}!"


def spell(text, pause):
    """Yield the letters of text, one each pause (in seconds)."""
    for letter in text:
        time.sleep(pause)
        yield letter
