//! What went to and from Resource Manager, one JSON object a line.

use std::fs::File;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::call::{Call, Reply};

/// The log's file. Tokens never come near it: no request header is written.
pub(super) struct Log(Mutex<File>);

impl Log {
    pub(super) fn new(file: File) -> Self {
        Self(Mutex::new(file))
    }

    pub(super) fn write(&self, call: &Call, reply: &Reply) {
        let headers: Map<String, Value> = reply
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
            .collect();
        let line = json!({
            "method": call.method.as_str(),
            "url": format!("{}{}", call.origin, call.target),
            "request_body": call.body,
            "status": reply.status.as_u16(),
            "headers": headers,
            "response_body": reply.body,
        });
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written shows in the test that reads it.
        drop(file.write_all(format!("{line}\n").as_bytes()));
    }
}
