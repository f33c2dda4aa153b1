"""What people and machines do with Bookbridge: one function, one transaction.

A use-case takes the database, plain values and the moment (``now``, aware, UTC); it raises the
errors of ``service.errors`` and returns domain values. No web framework and no SQL here.
"""
