"""Why a model answers as it does: words, columns and neighbours of a row; and what it looks at as a whole.

Every method is held to two checks on the model it speaks of, and is not shown where it fails them: `sanity`.
"""
