//! Fits the endpoints into frameworks (layer 6). An adapter moves bytes.

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "rmcp")]
pub mod rmcp;
#[cfg(feature = "tower")]
pub mod tower;
