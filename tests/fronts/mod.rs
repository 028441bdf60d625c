//! One server behind each framework, over sockets: what holds behind one has to hold
//! behind all.

#![allow(dead_code, reason = "each test uses its part of this file")]

mod actix;
mod axum;
mod hyper;
mod shared;

use std::net::{SocketAddr, TcpListener};

use oauth_for_mcp::McpAuth;
use tokio_util::sync::{CancellationToken, DropGuard};

#[allow(unused_imports, reason = "each test uses its part of this file")]
pub(crate) use shared::{Body, Shared, boxed};

/// What accepts connections and reads HTTP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Front {
    Axum,
    /// Plain hyper, with nothing but the services for `tower`.
    Hyper,
    Actix,
}

/// A port that somebody will serve.
pub(crate) struct Place {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
    /// Where clients find what is served there.
    pub(crate) url: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{address}");
        Self {
            listener,
            address,
            url,
        }
    }
}

impl Front {
    /// Serves `service` at `/mcp` until the guard is dropped: behind `auth` and
    /// beside its endpoints, or open to everybody.
    pub(crate) fn serve(self, place: Place, auth: Option<McpAuth>, service: Shared) -> DropGuard {
        let end = CancellationToken::new();
        match self {
            Self::Axum => axum::serve(place.listener, auth, service, end.clone()),
            Self::Hyper => hyper::serve(place.listener, auth, service, end.clone()),
            Self::Actix => actix::serve(place.listener, auth, service, end.clone()),
        }
        end.drop_guard()
    }
}
