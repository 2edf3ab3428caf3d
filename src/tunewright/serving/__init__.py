"""Serving: rows held to a bundle's schema, batches by tokens, an HTTP app around both. Nothing here loads a model.

What answers is handed in as callables (`models.Version`); `stories.deploying.serving` composes them. Importing this
package is free; `serving.http` needs fastapi and is imported by what starts a server.
"""
