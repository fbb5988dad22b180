//! Registry exports (`.reg` files) read and changed as text.
//!
//! [`RegistryFile`] keeps the file as it is written and changes only the values
//! that it is told to: whatever else is in an export stays byte for byte, in its
//! encoding and with its line ends.
//!
//! The syntax is that of `regedit` and `reg export`, "Windows Registry Editor
//! Version 5.00". What an importer accepts beyond what these two write was taken
//! from Wine's conformance tests, which also run on Windows
//! (`programs/regedit/tests/regedit.c`).

mod block;
mod document;
mod encoding;
mod render;
mod text;
mod value;

pub use document::RegistryFile;
pub use text::{RegistryFileError, RegistryFileErrorKind};
pub use value::RegistryData;
