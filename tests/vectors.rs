//! Numbers from the appendices of RFCs, a file per folder of `src`.
#![allow(missing_docs, clippy::unwrap_used)]

mod vectors {
    mod jose;
}
