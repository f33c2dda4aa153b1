"""The rooms behind ``marc21_to_citation``: the values, and a writer for each format."""
