//! Wire shapes: parsed and printed, nothing decided (layer 1).

pub mod form;
