//! Read proxy logs and name the catalogue's traffic in them.
//!
//! Parsing a line and classifying a name are the model's; this crate streams.
//! A log of any length takes the same memory: each thread has one buffer, and
//! what is counted apart is bounded ([`MOST_PAIRS`]).

#![forbid(unsafe_code)]

mod crossing;
mod leaks;
mod scan;
mod source;
mod tally;

pub use crossing::{Audit, Crossing, MOST_PAIRS, MOST_SAMPLES, Sample, Totals};
pub use leaks::{Leak, Leaks};
pub use scan::{AuditError, How, audit};
