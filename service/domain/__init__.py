"""The rules of the exchange, pure: time and randomness are arguments, nothing is read or written.

A room is a singular noun of the field; the same noun names its tables' room in ``store``.
"""
