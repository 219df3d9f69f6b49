"""A model as a folder of ONNX files, and a script that animates from it without Paddle."""
