"""The rooms behind ``formats``: where records lie in a stream, and how one is taken apart."""
