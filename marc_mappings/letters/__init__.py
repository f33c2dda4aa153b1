"""The rooms behind ``encodings``: bytes to letters, and how to tell which letters they are."""
