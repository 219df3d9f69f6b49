"""A fuzzing test: whatever bytes a file from somebody else holds, our readers keep their promise.

They return or raise a `UserError` of one line, quickly, in little memory, and run nothing of it.
`pytest tests/fuzz` tries some thousand mutants, `python -m tests.fuzz --minutes 30` many more.
"""
