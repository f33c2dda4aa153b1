"""The rooms behind ``match_keys``: numbers, titles and sounds in one normal form."""
