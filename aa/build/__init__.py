"""From a checked config to what it describes: data, model, runs. Nobody else reads all of it."""
