# What is told of a test of unittest's that did not pass, or not all of it. Most runs have none, so it
# is compiled with the first.


def tell(result, records, names, test, outcome, err, why):
    members = {}
    error = err[1] if err else None
    if error is not None:
        why = said(error)
        if outcome in ("failed", "error"):
            members["tb"] = traceback(result, outcome)
    event, id = "end", names.of(test)
    if isinstance(test, names.subtest):
        event, members["sub"] = "sub", subtest_name(test)
    elif records.said and id == records.id:  # such as a failure and then one of tearDown
        event, members["sub"] = "sub", "(then)"
    if error is None or event == "end" and "path" not in place(error, records.root):
        members.update(definition(test, records.root))
    if isinstance(error, BaseException) and names.failed is test.__class__:
        error = getattr(test, "_exception", error)
        why = import_reason(why, error)
        members.update(import_place(str(error), records.root))
        _, missing, rest = why.partition("No module named '")
        if missing:
            records.asks("module", rest.partition("'")[0])
        error = None
    seconds = None if test.__class__ is not names.holder else 0.0
    records.end(id, outcome, seconds, event, error, why=why, **members)


def traceback(result, outcome):
    """As unittest has just formatted it for its own report."""
    kept = result.failures if outcome == "failed" else result.errors
    try:
        return kept[-1][1]
    except Exception:
        return ""


def subtest_name(subtest):
    try:
        return subtest._subDescription()
    except Exception:
        return "(<subtest>)"


def definition(test, root):
    """Where a test is defined."""
    try:
        function = getattr(type(test), test._testMethodName)
        while hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        code = function.__code__
        return {"path": code.co_filename, "line": code.co_firstlineno}
    except Exception:
        return {}


def import_reason(why, error):
    """The last line of the traceback that unittest quotes for a module that cannot be imported."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else why


def import_place(text, root):
    """The innermost line in the checkout of a traceback that is text."""
    best = {}
    for line in text.splitlines():
        parts = line.strip().split('"')
        if len(parts) == 3 and parts[0] == "File " and parts[1].startswith(root + "/"):
            number = parts[2].partition("line ")[2].split(",")[0]
            if number.isdigit():
                best = {"path": parts[1], "line": int(number)}
    return best
