"""OAI-PMH 2.0 as a library: a host brings a repository, this package speaks the protocol.

It knows no web framework, no database and no record format: arguments come in as text pairs,
answers leave as bytes, and items are asked for through the port in :mod:`oai.repository`.

Source: The Open Archives Initiative Protocol for Metadata Harvesting, version 2.0
(http://www.openarchives.org/OAI/openarchivesprotocol.html); "section" means its sections.
"""
