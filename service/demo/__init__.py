"""Everything at work on one machine: a made-up library with real books, and a tour of it.

The demo takes the ways that a library takes: settings file, import, server process, OAI-PMH and
API over HTTP. It stands beside the command line and no other room knows it.
"""
