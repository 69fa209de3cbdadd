# What exceptions say of a test that did not pass.


def chain(error):
    """An exception and those that led to it."""
    seen = []
    while error is not None and len(seen) < 10 and all(e is not error for e in seen):
        seen.append(error)
        error = error.__cause__ or error.__context__
    return seen


def wanted(error):
    """What the exceptions say that was asked for and is not there."""
    for e in chain(error):
        try:
            last = frame(e.__traceback__)
            if isinstance(e, ModuleNotFoundError) and isinstance(e.name, str):
                yield "module", e.name
            elif isinstance(e, FileNotFoundError) and isinstance(e.filename, (str, bytes)):
                name = e.filename.decode("utf-8", "replace") if isinstance(e.filename, bytes) else e.filename
                yield ("program" if last.endswith("/subprocess.py") else "file"), str.__str__(name)
            elif isinstance(e, KeyError) and last.endswith(("/os.py", "<frozen os>")) and isinstance(e.args[0], str):
                yield "variable", e.args[0]
        except Exception:
            pass


def frame(tb):
    """The file of the innermost frame."""
    name = ""
    while tb is not None:
        name = tb.tb_frame.f_code.co_filename
        tb = tb.tb_next
    return name


def place(error, root):
    """The innermost line in the checkout that an exception went through."""
    best = {}
    tb = error.__traceback__
    while tb is not None:
        name = tb.tb_frame.f_code.co_filename
        if not name.startswith("/") and not name.startswith("<"):
            name = root + "/" + name
        if name.startswith(root + "/") and not name.startswith(sys.prefix + "/"):
            best = {"path": name, "line": tb.tb_lineno}
        tb = tb.tb_next
    if isinstance(error, SyntaxError) and isinstance(error.filename, str) and error.filename.startswith(root + "/"):
        best = {"path": error.filename, "line": error.lineno or 0}
    return best


def said(error):
    """What was raised, in one line."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:
        text = ""
    return (name + ": " + text).rstrip(": ").strip() if text else name
