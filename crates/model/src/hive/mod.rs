//! Registry hives: the files in which Windows keeps its registry, here those of
//! a disk that nothing runs from. Only read.
//!
//! A hive is a header of 4,096 bytes and bins of cells, which name each other
//! by offset. What Windows changed last stands in transaction logs beside it,
//! and a machine that was switched off, or a snapshot of a disk, mostly leaves
//! changes there; so they are applied first, as Windows does at the next start.
//!
//! Layout: "Windows registry file format specification" (msuhanov/regf).

mod bins;
mod file;
mod key;
mod log;
mod marvin;

pub use bins::HiveError;
pub use file::{Condition, Hive};
