"""How ChatAI is: checks, each with a time limit, asked all at once."""
