"""Make a prompt: values of expressions, and personas."""
