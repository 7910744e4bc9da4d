"""Beyond the report: a stronger recipe, step by step, and what each step gains."""
