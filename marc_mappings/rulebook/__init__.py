"""The rooms behind ``validation``: the definition of MARC 21 as data, and what is checked by it."""
