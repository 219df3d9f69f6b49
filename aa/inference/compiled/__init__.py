"""The compiled engine: networks as OpenVINO graphs, kept in a folder."""
