"""Papers that people print: pages in HTML for A4 and documents to edit, made of plain values.

Everything that comes from outside is text here: it is escaped wherever it stands, and no page
carries a script or fetches anything.
"""
