//! The binary values in which Windows keeps proxy settings, read and written
//! without losing a byte.
//!
//! | value | where | type here |
//! |---|---|---|
//! | `DefaultConnectionSettings`, `SavedLegacySettings` | an account's `…\Internet Settings\Connections` | [`ConnectionSettings`] |
//! | `WinHttpSettings` | the same key under `HKEY_LOCAL_MACHINE` | [`WinHttpSettings`] |
//!
//! Neither layout is documented as a whole. The fields and their order follow
//! the reader that Microsoft published (`_RegBlobWebProxyDataBuilder.cs` in
//! microsoft/referencesource) and published registry exports, every byte of
//! which they explain. What a writer put beyond that is kept as it is.

mod connection;
mod document;
mod field;
mod hex;
mod winhttp;

pub use connection::{ConnectionSettings, DiscoveryCache, Tail};
pub use document::{Blob, BlobDocument, BlobKind, describe};
pub use field::{BlobError, BlobText};
pub(crate) use hex::to_hex;
pub use hex::{HexError, HexErrorKind, parse_hex};
pub use winhttp::WinHttpSettings;
