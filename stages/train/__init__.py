"""Stage 2: students learn from the table; neither the teacher nor Beam is ever loaded.

Imports `table`, `heads`, `networks`. To add a student: `students/`; a loss: `heads/losses/`.
"""
