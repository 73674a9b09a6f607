"""Research scripts, run from a checkout and not installed: ablations, fine-tuning, checks of a model, tuning."""
