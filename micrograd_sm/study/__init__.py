"""Study the gradients of losses: how far to trust them."""
