"""The network, its losses, and its training (needs mcnet[train])."""
