use crate::protocol::metadata::ProtectedResourceMetadata;
use crate::protocol::well_known;
use crate::resource::config::ResourceServer;
use crate::types::ResourceUri;

impl ResourceServer {
    /// What this resource says of itself ([RFC 9728, section 2]).
    ///
    /// [RFC 9728, section 2]: https://www.rfc-editor.org/rfc/rfc9728#section-2
    #[must_use]
    pub fn metadata(&self) -> ProtectedResourceMetadata {
        self.metadata_as(self.resource().clone())
    }

    /// The same for the place where clients look that know nothing but the
    /// host: its `resource` has to agree with the URL it is served from
    /// ([RFC 9728, section 3.3]), so it is the origin.
    ///
    /// [RFC 9728, section 3.3]: https://www.rfc-editor.org/rfc/rfc9728#section-3.3
    #[must_use]
    pub fn root_metadata(&self) -> ProtectedResourceMetadata {
        let origin = ResourceUri::parse(&self.resource().origin());
        self.metadata_as(origin.unwrap_or_else(|_| self.resource().clone()))
    }

    fn metadata_as(&self, resource: ResourceUri) -> ProtectedResourceMetadata {
        ProtectedResourceMetadata {
            resource,
            authorization_servers: self.authorization_servers().to_vec(),
            scopes_supported: self.scopes_supported(),
            bearer_methods_supported: vec!["header"],
            resource_name: self.name().map(str::to_owned),
            resource_documentation: self.elsewhere.documentation(),
        }
    }

    /// The URL of the metadata, for challenges.
    #[must_use]
    pub fn metadata_url(&self) -> String {
        well_known::protected_resource_url(self.resource())
    }
}
