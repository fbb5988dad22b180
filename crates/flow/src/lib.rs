//! The steps in order: a [`World`] in, events out.
//!
//! Knows neither the lab nor the command line, so a rehearsal and a real run
//! share every line except the world.

mod backup;
mod run;
mod settings;
mod world;

pub use run::{Run, RunError, run};
pub use settings::recover;
pub use world::{Vault, Witness, World};
