"""Export: a bundle for another engine, held to the trained model before it gets its name.

`formats` is the table, `parity` the gate, `writing` puts both together, `choosing` is what `auto` does.
"""
