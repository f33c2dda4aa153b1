"""Where Bookbridge keeps things: SQL lives in this floor and nowhere else.

Each room holds one noun's tables and statements. Its functions take a ``Connection`` that a
use-case opened (one use-case, one transaction) and return domain values or plain rows.
"""
