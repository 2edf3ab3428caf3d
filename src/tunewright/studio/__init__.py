"""The live page of a run and the studio of a folder of runs: what they show, and the local server that shows it."""
