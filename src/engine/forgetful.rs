//! The engine that keeps nothing: it takes every batch and has no rows. For rehearsals, whose
//! outcome is thrown away. It checks no guard, and so keeps none of an engine's promises but one:
//! it never touches a disk.

use super::{Batch, Durability, Engine, EngineError, RowSink, Tree};

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct ForgetfulEngine;

impl Engine for ForgetfulEngine {
    fn load(&self, _: Tree, _: &mut RowSink<'_>) -> Result<(), EngineError> {
        Ok(())
    }

    fn commit(&mut self, _: Batch, _: Durability) -> Result<(), EngineError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    fn size_on_disk(&self) -> Result<u64, EngineError> {
        Ok(0)
    }

    fn close(self: Box<Self>) -> Result<(), EngineError> {
        Ok(())
    }
}
