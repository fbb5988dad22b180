//! The steps in order: a [`World`] in, events out.
//!
//! Knows neither the lab nor the command line, so a rehearsal and a real run
//! share every line except the world.

mod backup;
mod check;
mod discover;
mod endpoint;
mod explain;
mod hand;
mod ids;
mod jobs;
mod names;
mod protect;
mod refusal;
mod register;
mod run;
mod settings;
mod world;
mod zones;

pub use discover::{Found, Machine, Protection, discover};
pub use jobs::{at_work, job, jobs};
pub use refusal::refusal;
pub use run::{Extent, Run, RunError, run};
pub use settings::recover;
pub use world::{Patience, Person, Witness, World};
