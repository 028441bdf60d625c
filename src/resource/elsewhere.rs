use url::Url;

use crate::resource::builder::ResourceServerBuilder;
use crate::types::Issuer;

/// How authorization servers elsewhere name things, where they do not do it as MCP
/// has it, and what their clients have to read.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    audiences: Vec<String>,
    issuers: Vec<Issuer>,
    documentation: Option<Url>,
}

impl Elsewhere {
    pub(super) fn is_audience(&self, text: &str) -> bool {
        self.audiences.iter().any(|accepted| accepted == text)
    }

    pub(super) fn issuers(&self) -> impl Iterator<Item = &Issuer> {
        self.issuers.iter()
    }

    pub(super) fn documentation(&self) -> Option<String> {
        self.documentation.as_ref().map(Url::to_string)
    }
}

impl ResourceServerBuilder {
    /// Accepts tokens for an audience that is not the URL of the resource, such as
    /// `api://notes` or the number of an application; compared byte for byte.
    ///
    /// It has to stand for this resource and nothing else: whoever gets a token for
    /// another resource of the same name can use it here, and a resource that is
    /// given a token here can use it there. The identifier of a client lets in
    /// every token of that client.
    ///
    /// It counts for every issuer that is trusted. Where there are several, name it at
    /// the verifier of the one that uses it instead
    /// ([`IntrospectionVerifierBuilder::audience_name`], and the same at `JwtVerifier`).
    ///
    /// [`IntrospectionVerifierBuilder::audience_name`]: crate::resource::verifier::IntrospectionVerifierBuilder::audience_name
    pub fn accepted_audience(mut self, audience: impl Into<String>) -> Self {
        self.elsewhere.audiences.push(audience.into());
        self
    }

    /// Trusts tokens that name this issuer as well, although it is not where
    /// clients are sent to: some servers have a name for every resource, and sign
    /// with one name.
    pub fn token_issuer(mut self, issuer: Issuer) -> Self {
        self.elsewhere.issuers.push(issuer);
        self
    }

    /// Where the developer of a client reads what it needs, such as an identifier
    /// that only the operator hands out; the metadata names it
    /// ([RFC 9728, section 2]).
    ///
    /// [RFC 9728, section 2]: https://www.rfc-editor.org/rfc/rfc9728#section-2
    pub fn documentation(mut self, url: Url) -> Self {
        self.elsewhere.documentation = Some(url);
        self
    }
}
