//! HTTP in, HTTP out (layer 5).
