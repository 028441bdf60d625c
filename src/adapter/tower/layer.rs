use tower_layer::Layer;

use crate::adapter::tower::service::ProtectService;
use crate::endpoint::Protection;

/// Puts a [`Protection`] in front of a service.
#[derive(Clone, Debug)]
pub struct ProtectLayer(Protection);

impl ProtectLayer {
    /// A layer with this protection.
    #[must_use]
    pub const fn new(protection: Protection) -> Self {
        Self(protection)
    }
}

impl<S> Layer<S> for ProtectLayer {
    type Service = ProtectService<S>;

    fn layer(&self, handler: S) -> Self::Service {
        ProtectService::new(self.0.clone(), handler)
    }
}
