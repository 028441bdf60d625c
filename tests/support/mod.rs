//! What the end-to-end tests share: programs they start and a scripted browser.

#![allow(
    dead_code,
    reason = "every test binary compiles all of it and uses a part"
)]

pub(crate) mod agent;
pub(crate) mod browser;
pub(crate) mod cluster;
pub(crate) mod cookies;
pub(crate) mod counts;
pub(crate) mod database;
pub(crate) mod e2e;
pub(crate) mod form;
pub(crate) mod form_policy;
pub(crate) mod ledger;
pub(crate) mod load;
pub(crate) mod needles;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod reference_server;
pub(crate) mod resp;
pub(crate) mod upstream;
pub(crate) mod wire;
