//! A request, taken apart, and what is answered.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode, header};
use serde_json::Value;

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// `https://` and the host that was asked.
    pub(super) origin: String,
    /// As it was sent, with its query.
    pub(super) target: String,
    /// The path's segments, decoded.
    pub(super) path: Vec<String>,
    /// The query's pairs, decoded.
    pub(super) query: Vec<(String, String)>,
    /// The bearer token.
    pub(super) token: Option<String>,
    /// What the client calls this request; Azure Backup keeps it as a job's activity.
    pub(super) client_request_id: Option<String>,
    /// The JSON that was sent; `None` where there is none or it is none.
    pub(super) body: Option<Value>,
    /// Whether something was sent that is no JSON.
    pub(super) is_malformed: bool,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
}

impl Call {
    pub(super) async fn read(request: Request<Incoming>) -> Self {
        let text = |name: header::HeaderName| {
            let value = request.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let host = text(header::HOST).unwrap_or_default();
        let token = text(header::AUTHORIZATION)
            .and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
        let client_request_id = text(header::HeaderName::from_static("x-ms-client-request-id"));
        let method = request.method().clone();
        let uri = request.uri().clone();
        let segments = uri.path().split('/').filter(|part| !part.is_empty());
        let pairs = uri.query().unwrap_or_default().split('&');
        let pairs = pairs.filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key, true), decoded(value, true))
        });
        let (path, query) = (
            segments.map(|part| decoded(part, false)).collect(),
            pairs.collect(),
        );
        let sent = request.into_body().collect().await;
        let sent = sent
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        let body: Option<Value> = serde_json::from_slice(&sent).ok();
        Self {
            method,
            origin: format!("https://{host}"),
            target: uri.to_string(),
            path,
            query,
            token,
            client_request_id,
            is_malformed: !sent.is_empty() && body.is_none(),
            body,
        }
    }

    /// A parameter of the query, whatever the case of its name.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.iter();
        let found = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn api_version(&self) -> &str {
        self.parameter("api-version").unwrap_or_default()
    }

    /// The path, as ids have it.
    pub(super) fn id(&self) -> String {
        self.id_of(self.path.len())
    }

    /// The first `count` segments of the path.
    pub(super) fn id_of(&self, count: usize) -> String {
        let parts = self.path.iter().take(count);
        parts.fold(String::new(), |id, part| format!("{id}/{part}"))
    }

    /// A text in the body's `properties`, or deeper.
    pub(super) fn property(&self, pointer: &str) -> Option<&str> {
        self.pointer(&format!("/properties{pointer}"))?.as_str()
    }

    pub(super) fn pointer(&self, pointer: &str) -> Option<&Value> {
        self.body.as_ref()?.pointer(pointer)
    }
}

impl Reply {
    pub(super) fn json(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Some(body),
        }
    }

    pub(super) fn ok(body: Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub(super) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: None,
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// `%41` is `A`; in a query `+` is a blank.
pub(crate) fn decoded(text: &str, in_query: bool) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = hex.and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
                continue;
            }
            (b'+', _) if in_query => bytes.push(b' '),
            (other, _) => bytes.push(*other),
        }
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        assert_eq!(
            decoded("VMAppContainer%3BCompute", false),
            "VMAppContainer;Compute"
        );
        assert_eq!(decoded("a+eq+%27b%27", true), "a eq 'b'");
        assert_eq!(decoded("a+b%zz%4", false), "a+b%zz%4");
    }
}
