//! Whether two lists decide alike, for every destination.
//!
//! [`compare`](compare::compare) reads both lists at once, one character of a
//! URL after another, breadth first: where no state is left in which they part,
//! they decide alike everywhere; where one is, the text that led to it is a
//! shortest destination on which they part. Decision 0010 says what is in the
//! domain and what is not.

mod alike;
mod compare;
mod dotnet;
mod globs;
mod host;
mod number;
mod port;
mod search;
mod wininet;

pub use compare::{Comparison, Difference, Scope, Undecided, compare};
