"""How near generated videos come to true ones."""
