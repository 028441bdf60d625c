use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Certificate;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::fetch::FetchError;
use crate::fetch::guard::all_public;
use crate::fetch::reqwest::{Reach, ReqwestFetch, hardened};

/// Finds the addresses of a host, in place of the operating system.
///
/// It is asked once for a connection, and its answer is judged like any other: one
/// address that is not public condemns them all.
#[async_trait]
pub trait Resolver: fmt::Debug + Send + Sync + 'static {
    /// The addresses of the host `name`.
    ///
    /// A port of 0 stands for that of the URL or its scheme. Another port is only
    /// used if the URL names none.
    ///
    /// # Errors
    ///
    /// An error if they cannot be found now.
    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>>;
}

/// Builds a [`ReqwestFetch`] for addresses that a stranger names.
///
/// What it builds is [`ReqwestFetch::public`] as long as nothing is changed.
#[derive(Debug)]
#[must_use]
pub struct PublicFetchBuilder {
    resolver: Arc<dyn Resolver>,
    allowed: HashMap<String, SocketAddr>,
    root_certificates: Vec<Vec<u8>>,
}

impl PublicFetchBuilder {
    pub(super) fn new() -> Self {
        Self {
            resolver: Arc::new(SystemResolver),
            allowed: HashMap::new(),
            root_certificates: Vec::new(),
        }
    }

    /// Who finds the addresses of a host: the operating system unless changed.
    pub fn resolver(mut self, resolver: Arc<dyn Resolver>) -> Self {
        self.resolver = resolver;
        self
    }

    /// Lets the host `name` be reached at `address`, whatever address that is.
    ///
    /// For tests: it is a hole in the guard for this name alone, and nobody else is
    /// asked for its addresses. The port counts if a URL names none. An address in
    /// place of a name is judged all the same.
    pub fn dangerous_allow(mut self, name: &str, address: SocketAddr) -> Self {
        self.allowed.insert(name.to_ascii_lowercase(), address);
        self
    }

    /// Trusts the authorities in `pem` too, one certificate after another.
    pub fn root_certificate_pem(mut self, pem: &[u8]) -> Self {
        self.root_certificates.push(pem.to_owned());
        self
    }

    /// The way to the network.
    ///
    /// # Errors
    ///
    /// [`FetchError::Failed`] if TLS cannot be set up, as with a certificate that
    /// cannot be read or on a system without certificates of authorities.
    pub fn build(self) -> Result<ReqwestFetch, FetchError> {
        let names = PublicNames {
            resolver: self.resolver,
            allowed: Arc::new(self.allowed),
        };
        let mut client = hardened()
            .https_only(true)
            .dns_resolver(names)
            .pool_max_idle_per_host(0);
        for pem in &self.root_certificates {
            client = client.tls_certs_merge(certificates(pem)?);
        }
        ReqwestFetch::from_client(client, Reach::Public)
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, FetchError> {
    let certificates = Certificate::from_pem_bundle(pem).map_err(FetchError::failed)?;
    if certificates.is_empty() {
        return Err(FetchError::failed(
            "there is no certificate in the PEM text",
        ));
    }
    Ok(certificates)
}

/// Asks the operating system.
#[derive(Clone, Copy, Debug)]
struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.collect())
    }
}

/// Judges what a resolver finds.
#[derive(Clone, Debug)]
struct PublicNames {
    resolver: Arc<dyn Resolver>,
    allowed: Arc<HashMap<String, SocketAddr>>,
}

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let addresses = match names.allowed.get(name.as_str()) {
                Some(address) => vec![*address],
                None => all_public(names.resolver.resolve(name.as_str()).await?)?,
            };
            Ok::<Addrs, _>(Box::new(addresses.into_iter()))
        })
    }
}
