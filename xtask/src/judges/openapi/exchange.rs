//! One request and its answer, as a log has them.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

/// A request to Resource Manager, and what came back.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) method: String,
    /// The path's segments, decoded.
    pub(super) path: Vec<String>,
    /// The query's names and values, decoded.
    pub(super) query: Vec<(String, String)>,
    /// Null for none.
    pub(super) request: Value,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    /// Null for none; a string where it is no JSON.
    pub(super) answer: Value,
}

impl Exchange {
    /// Reads a log: an object a line, of `method`, `url`, `request_body`,
    /// `status`, `headers` and `response_body`.
    pub(super) fn log(file: &Path) -> anyhow::Result<Vec<Self>> {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let lines = text.lines().enumerate();
        lines
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(index, line)| {
                let read = serde_json::from_str(line).map_err(anyhow::Error::from);
                read.and_then(|line| Self::read(&line))
                    .with_context(|| format!("{}:{}", file.display(), index + 1))
            })
            .collect()
    }

    /// Reads one entry of a log.
    pub(super) fn read(entry: &Value) -> anyhow::Result<Self> {
        let url = entry["url"].as_str().context("no url")?;
        let target = url.split_once("://").map_or(url, |(_, rest)| {
            rest.find('/').map_or("/", |at| &rest[at..])
        });
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = Vec::new();
        for (name, value) in entry["headers"].as_object().into_iter().flatten() {
            match value {
                Value::String(value) => headers.push((name.clone(), value.clone())),
                Value::Array(values) => headers.extend(
                    values
                        .iter()
                        .filter_map(Value::as_str)
                        .map(|value| (name.clone(), value.to_owned())),
                ),
                other => headers.push((name.clone(), other.to_string())),
            }
        }
        let status = entry["status"].as_u64().context("no status")?;
        Ok(Self {
            method: entry["method"]
                .as_str()
                .context("no method")?
                .to_uppercase(),
            path: path
                .split('/')
                .filter(|segment| !segment.is_empty())
                .map(|segment| decoded(segment, false))
                .collect(),
            query: pairs(query),
            request: present(&entry["request_body"]),
            status: u16::try_from(status)?,
            headers,
            answer: present(&entry["response_body"]),
        })
    }

    /// The first header with this name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(&**value))
    }

    /// The path as it is shown.
    pub(super) fn shown_path(&self) -> String {
        format!("/{}", self.path.join("/"))
    }
}

/// The names and values of a query, decoded.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name, true), decoded(value, true))
        })
        .collect()
}

fn present(body: &Value) -> Value {
    match body {
        Value::String(text) if text.trim().is_empty() => Value::Null,
        body => body.clone(),
    }
}

fn decoded(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let hex = |at: usize| {
            after
                .get(at)
                .and_then(|digit| (*digit as char).to_digit(16))
        };
        match first {
            b'%' => match (hex(0), hex(1)) {
                (Some(high), Some(low)) => {
                    bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                    rest = &after[2..];
                }
                _ => bytes.push(first),
            },
            b'+' if plus_is_space => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The document without members that are null, and how many those were.
pub(super) fn without_nulls(value: &Value) -> (Value, usize) {
    match value {
        Value::Object(object) => {
            let mut nulls = 0;
            let mut kept = serde_json::Map::new();
            for (name, value) in object {
                if value.is_null() {
                    nulls += 1;
                    continue;
                }
                let (value, below) = without_nulls(value);
                nulls += below;
                kept.insert(name.clone(), value);
            }
            (Value::Object(kept), nulls)
        }
        Value::Array(elements) => {
            let (kept, nulls): (Vec<_>, Vec<_>) = elements.iter().map(without_nulls).unzip();
            (Value::Array(kept), nulls.into_iter().sum())
        }
        other => (other.clone(), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn urls_are_taken_apart() {
        let exchange = Exchange::read(&json!({
            "method": "get",
            "url": "https://arm.test:8443/a/b%3Bc%20d?api-version=1&%24filter=x+eq+%27y%27",
            "status": 204, "headers": { "Retry-After": 60 }, "response_body": "",
        }))
        .unwrap();
        assert_eq!(exchange.path, ["a", "b;c d"]);
        assert_eq!(exchange.query[1], ("$filter".into(), "x eq 'y'".into()));
        assert_eq!(exchange.header("retry-after"), Some("60"));
        assert!(exchange.answer.is_null());
    }
}
