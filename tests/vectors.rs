//! Numbers from the appendices of RFCs, a file per folder of `src`.
#![allow(missing_docs)]

mod vectors {
    mod jose;
}
