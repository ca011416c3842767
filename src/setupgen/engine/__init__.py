"""The pure engine: facts and a pack in, a plan out. Standard library only; no disk, network, clock or environment."""
