use std::marker::PhantomData;

use tower_layer::Layer;

use crate::adapter::tower::bodies::EitherBodies;
use crate::adapter::tower::service::ProtectService;
use crate::endpoint::Protection;

/// Puts a [`Protection`] in front of a service.
#[derive(Debug)]
pub struct ProtectLayer<K = EitherBodies> {
    protection: Protection,
    bodies: PhantomData<fn() -> K>,
}

impl ProtectLayer {
    /// A layer with this protection.
    #[must_use]
    pub const fn new(protection: Protection) -> Self {
        Self::with_bodies(protection)
    }
}

impl<K> ProtectLayer<K> {
    pub(in crate::adapter) const fn with_bodies(protection: Protection) -> Self {
        Self {
            protection,
            bodies: PhantomData,
        }
    }
}

impl<K> Clone for ProtectLayer<K> {
    fn clone(&self) -> Self {
        Self::with_bodies(self.protection.clone())
    }
}

impl<S, K> Layer<S> for ProtectLayer<K> {
    type Service = ProtectService<S, K>;

    fn layer(&self, handler: S) -> Self::Service {
        ProtectService::with_bodies(self.protection.clone(), handler)
    }
}
