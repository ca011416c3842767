"""Shows plans and writes setups: the only code that writes user files."""
