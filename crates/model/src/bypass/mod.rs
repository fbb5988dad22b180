//! The bypass list: the exceptions to an account's proxy.
//!
//! Two consumers read the same string by different rules, so that a list is
//! parsed for one of them, once, and then asked about any number of
//! destinations. The rules stand beside the functions that follow them:
//! [`BypassList::parse`] splits, [`Entry`] says what became of each piece, and
//! [`BypassList::decide`] matches.

mod agreement;
mod consumer;
mod entry;
mod list;
mod matcher;
mod matching;
mod minimise;
mod near;
mod pac;
pub mod proof;
mod tails;

pub use agreement::readers_agree;
pub use consumer::{Consumer, UnknownConsumer};
pub use entry::{DeadBecause, Entry, EntryForm, Pattern};
pub use list::{BypassList, Decision, DirectBecause, join};
pub use matcher::Matcher;
pub use matching::HostContext;
pub(crate) use matching::{address, is_match};
pub use minimise::{Dropped, DroppedBecause, Minimised, minimise};
pub use near::{Near, NearBecause};
pub use pac::pac;
