//! Keys as an issuer publishes them, without a network.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use oauth_for_mcp::fetch::{Fetch, FetchError, FetchLimits};

/// Answers every request with these keys.
#[derive(Debug)]
pub(crate) struct Published(pub(crate) Bytes);

#[async_trait]
impl Fetch for Published {
    async fn fetch(
        &self,
        _: Request<Bytes>,
        _: FetchLimits,
    ) -> Result<Response<Bytes>, FetchError> {
        let response = Response::builder().header("content-type", "application/json");
        Ok(response.body(self.0.clone()).expect("an answer"))
    }
}
