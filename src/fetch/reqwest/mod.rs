mod public;

use std::error::Error as StdError;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Request, Response};
use url::{Host, Url};

use crate::fetch::guard::{NotPublic, is_loopback, is_public};
use crate::fetch::{Fetch, FetchError, FetchLimits};

pub use self::public::{PublicFetchBuilder, Resolver};

/// Fetches with `reqwest`, inside a tokio runtime.
///
/// Follows no redirect, uses no proxy (whatever the environment says), sends no
/// cookie and no referer, asks for no compression, and reads an answer only as
/// far as the limits go. TLS is rustls with the trust of the operating system;
/// a crypto provider that the process installed is used, and AWS-LC otherwise.
#[derive(Clone, Debug)]
pub struct ReqwestFetch {
    client: Client,
    reach: Reach,
}

/// Which servers may be contacted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reach {
    Public,
    Configured,
}

impl ReqwestFetch {
    /// For addresses that a stranger names: public servers, over `https` only.
    ///
    /// A name is resolved once, refused if any of its addresses is not public
    /// ([`is_public`]), and the connection goes to the addresses that were
    /// judged. No connection is kept for a later request.
    ///
    /// # Errors
    ///
    /// [`FetchError::Failed`] if TLS cannot be set up, as on a system without
    /// certificates of authorities.
    pub fn public() -> Result<Self, FetchError> {
        Self::public_builder().build()
    }

    /// As [`Self::public`], with another resolver or with more authorities.
    pub fn public_builder() -> PublicFetchBuilder {
        PublicFetchBuilder::new()
    }

    /// For addresses that the operator wrote down, such as an identity provider.
    ///
    /// They may be anywhere, so no stranger may choose them. Plain `http` is for
    /// loopback hosts only.
    ///
    /// # Errors
    ///
    /// [`FetchError::Failed`] if TLS cannot be set up, as on a system without
    /// certificates of authorities.
    pub fn configured() -> Result<Self, FetchError> {
        Self::from_client(hardened(), Reach::Configured)
    }

    fn from_client(client: ClientBuilder, reach: Reach) -> Result<Self, FetchError> {
        let client = client.build().map_err(FetchError::failed)?;
        Ok(Self { client, reach })
    }
}

/// What both kinds have in common.
///
/// Other crates may turn features of `reqwest` on, so that all of them are
/// turned off here, one by one.
fn hardened() -> ClientBuilder {
    Client::builder()
        .tls_backend_rustls()
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .no_hickory_dns()
        .user_agent(concat!("oauth-for-mcp/", env!("CARGO_PKG_VERSION")))
}

#[async_trait]
impl Fetch for ReqwestFetch {
    async fn fetch(
        &self,
        request: http::Request<Bytes>,
        limits: FetchLimits,
    ) -> Result<http::Response<Bytes>, FetchError> {
        // The address is judged as it will be contacted: this conversion reads
        // every spelling of an IP address.
        let request = Request::try_from(request).map_err(FetchError::failed)?;
        self.reach.judge(request.url())?;
        let answer = async {
            let response = self.client.execute(request).await.map_err(classify)?;
            read(response, limits.max_body_bytes).await
        };
        tokio::time::timeout(limits.timeout, answer)
            .await
            .map_err(FetchError::failed)?
    }
}

impl Reach {
    /// Judges what the URL itself tells; names are judged when they are resolved.
    fn judge(self, url: &Url) -> Result<(), FetchError> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Refused("the URL has a user name or a password"));
        }
        let host = url.host().ok_or(FetchError::Refused("there is no host"))?;
        let secure = url.scheme() == "https";
        let stays_here = url.scheme() == "http" && is_loopback(url);
        match self {
            Self::Public if !secure => Err(FetchError::Refused("the URL is not https")),
            Self::Public if !may_be_public(&host) => Err(REFUSED_ADDRESS),
            Self::Configured if !(secure || stays_here) => {
                let reason = "plain http is for loopback hosts only";
                Err(FetchError::Refused(reason))
            }
            Self::Public | Self::Configured => Ok(()),
        }
    }
}

const REFUSED_ADDRESS: FetchError = FetchError::Refused("the address is not public");

fn may_be_public(host: &Host<&str>) -> bool {
    match *host {
        Host::Domain(_) => true,
        Host::Ipv4(address) => is_public(address.into()),
        Host::Ipv6(address) => is_public(address.into()),
    }
}

/// Finds the guard's verdict among the causes of a failure.
fn classify(error: reqwest::Error) -> FetchError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(current) = cause {
        if current.is::<NotPublic>() {
            return REFUSED_ADDRESS;
        }
        cause = current.source();
    }
    // The URL may carry something that is not for the log.
    FetchError::failed(error.without_url())
}

async fn read(mut response: Response, limit: usize) -> Result<http::Response<Bytes>, FetchError> {
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).is_ok_and(|length| length > limit) {
        return Err(FetchError::TooLarge(limit));
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(classify)? {
        if chunk.len() > limit - body.len() {
            return Err(FetchError::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    let mut answer = http::Response::new(body.freeze());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    Ok(answer)
}

#[cfg(test)]
mod tests;
