use crate::jose::Audience;
use crate::resource::verifier::TokenClaims;
use crate::types::ResourceUri;

/// What one authorization server calls resources, where it is not their URL.
#[derive(Clone, Debug, Default)]
pub(super) struct RenamedAudiences(Vec<(String, ResourceUri)>);

impl RenamedAudiences {
    pub(super) fn add(&mut self, name: String, resource: ResourceUri) {
        self.0.push((name, resource));
    }

    /// Adds the URLs of the resources that the token is meant for by another name.
    pub(super) fn resolve(&self, mut claims: TokenClaims) -> TokenClaims {
        let meant = self.0.iter();
        let mut meant = meant
            .filter(|(name, _)| claims.audience.contains(name))
            .map(|(_, resource)| resource.as_str().to_owned())
            .peekable();
        if meant.peek().is_some() {
            let said = claims.audience.iter().map(str::to_owned);
            claims.audience = Audience::of(meant.chain(said).collect());
        }
        claims
    }
}
