//! Numbers and examples from RFCs, a file per folder of `src`.
#![allow(missing_docs, clippy::unwrap_used)]

mod vectors {
    mod jose;
    mod protocol;
    #[cfg(feature = "test-util")]
    mod server;
    mod types;
}
