"""Training: batches, flat optimiser, schedule and the loop, which can be stopped and resumed at any update."""
