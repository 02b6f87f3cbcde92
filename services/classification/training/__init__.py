"""Training and evaluation: from the corpus to a model. The running service never imports it."""
