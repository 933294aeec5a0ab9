"""What is said to people: a summary of each run, and a louder word when stock is not right."""
