"""What browsers and harvesters see: pages for people, and the OAI-PMH endpoint.

A view has three moves: parse, call one use-case or one read, render.
"""
