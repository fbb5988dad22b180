//! The client against Azure's answers, on loopback.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod backup;
mod loopback;
mod operations;
mod requests;
mod sign_in;
