//! What is wrong with a bypass list, entry by entry and as a whole.
//!
//! A pure function of the text and of what is wanted: [`lint`]. Where a list is
//! mended, [`fixed`] says how; what then means what is proven elsewhere
//! ([`crate::bypass::proof`]).

mod address;
mod check;
mod entry;
mod fix;
mod rule;

pub use check::{Finding, Wants, lint};
pub use fix::fixed;
pub use rule::Rule;
