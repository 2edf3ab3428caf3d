"""What is wrong with the rows, what a remedy is worth on them, and what people know about them."""
