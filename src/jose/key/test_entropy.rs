use std::sync::atomic::{AtomicUsize, Ordering};

use crate::types::{Entropy, EntropyError};

/// Gives these 32 bytes one after the other, and the last of them for ever.
#[derive(Debug)]
pub(crate) struct Repeated {
    blocks: Vec<[u8; 32]>,
    next: AtomicUsize,
}

impl Repeated {
    pub(crate) fn byte(byte: u8) -> Self {
        Self::blocks(vec![[byte; 32]])
    }

    pub(crate) fn blocks(blocks: Vec<[u8; 32]>) -> Self {
        let next = AtomicUsize::new(0);
        Self { blocks, next }
    }
}

impl Entropy for Repeated {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        let position = self.next.fetch_add(1, Ordering::Relaxed);
        let block = self.blocks.get(position).or(self.blocks.last());
        let block = block.ok_or(EntropyError)?;
        if bytes.len() != block.len() {
            return Err(EntropyError);
        }
        bytes.copy_from_slice(block);
        Ok(())
    }
}
