"""The networks: one UNet class, motion modules, pose guider, and the model that joins them."""
