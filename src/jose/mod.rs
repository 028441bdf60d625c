//! Signatures and keys (layer 1).
