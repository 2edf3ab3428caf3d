"""The HTTP app: FastAPI behind a gate. Imported by what starts a server, and by nothing before."""
