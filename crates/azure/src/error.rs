//! What can go wrong between Sidestep and Azure.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// Why Azure did not do what it was asked for.
///
/// None of these ever holds a token, a secret or a proxy's password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AzureError {
    /// There is nothing to sign in with.
    #[error("nothing to sign in with by {credential}: {detail}")]
    NoCredential {
        /// The way that was tried.
        credential: &'static str,
        /// What was missing.
        detail: String,
    },
    /// Entra ID or the metadata service refused: expired, revoked, the wrong tenant.
    #[error("sign-in by {credential} was rejected: {detail}")]
    SignInRejected {
        /// The way that was tried.
        credential: &'static str,
        /// Entra ID's code, as `AADSTS7000222`.
        code: Option<String>,
        /// What it said.
        detail: String,
    },
    /// The sign-in host could not be reached, or somebody else answered for it.
    #[error("{host} cannot be reached {route} to sign in: {detail}")]
    SignInUnreachable {
        /// The sign-in host.
        host: String,
        /// The way that was taken, in words.
        route: String,
        /// What happened on it.
        detail: String,
    },
    /// ARM could not be reached.
    #[error("{host} cannot be reached {route}: {detail}")]
    Unreachable {
        /// The host.
        host: String,
        /// The way that was taken, in words.
        route: String,
        /// What happened on it.
        detail: String,
    },
    /// Azure said no.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// Azure accepted the request and failed to carry it out.
    #[error("could not {doing}: {code}: {message}")]
    OperationFailed {
        /// What was being done.
        doing: &'static str,
        /// Azure's code.
        code: String,
        /// Azure's sentence.
        message: String,
    },
    /// It took longer than it may.
    #[error("could not {doing} within {} s", after.as_secs())]
    TimedOut {
        /// What was being done.
        doing: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// The answer is not what is documented.
    #[error("could not {doing}: the answer cannot be read: {detail}")]
    Unreadable {
        /// What was being done.
        doing: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// An answer sent us to another host, which must not see the token.
    #[error("could not {doing}: the answer leads away from Azure, to {host}")]
    ForeignAddress {
        /// What was being done.
        doing: &'static str,
        /// The other host.
        host: String,
    },
}

/// Azure's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was being done.
    pub doing: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Azure's code; empty where the answer had none, as from a gateway.
    pub code: String,
    /// Azure's sentence; empty where there was none.
    pub message: String,
    /// Azure's id of the request, which its support asks for.
    pub request_id: Option<String>,
    /// The permission that lacks, where that is the reason.
    pub missing_permission: Option<MissingPermission>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "could not {}: Azure answered {}",
            self.doing, self.status
        )?;
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// What whoever signed in may not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingPermission {
    /// The action, as `Microsoft.Network/privateDnsZones/join/action`.
    pub action: String,
    /// Where it would be needed: the id of a resource, a group or a subscription.
    pub scope: String,
}

impl AzureError {
    /// Azure's own code, of a refusal or a failed operation.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => Some(refusal.code.as_str()),
            Self::OperationFailed { code, .. } => Some(code.as_str()),
            Self::SignInRejected { code, .. } => code.as_deref(),
            _ => None,
        }
        .filter(|code| !code.is_empty())
    }
}

/// What is inside `{"error":{"code","message"}}`, and an operation's `error`.
#[derive(Clone, Default, Deserialize)]
pub(crate) struct Inner {
    /// Text, and a number from some of Azure's services.
    #[serde(default)]
    code: Value,
    #[serde(default)]
    message: Option<String>,
}

impl Inner {
    pub(crate) fn into_parts(self) -> (String, String) {
        let code = match self.code {
            Value::String(code) => code,
            Value::Number(code) => code.to_string(),
            _ => String::new(),
        };
        (code, self.message.unwrap_or_default())
    }
}

/// Reads Azure's error out of a body. An empty body, a page of a gateway, or an
/// error without its envelope all occur.
pub(crate) fn parse(body: &[u8]) -> (String, String) {
    let mut document: Value = serde_json::from_slice(body).unwrap_or_default();
    let inner = match document.get_mut("error") {
        Some(inner) => inner.take(),
        None => document,
    };
    // Serde takes an array for an object whose fields have no names.
    let inner = Some(inner).filter(Value::is_object);
    let inner = inner.and_then(|inner| serde_json::from_value::<Inner>(inner).ok());
    inner.unwrap_or_default().into_parts()
}

/// Reads the permission out of `AuthorizationFailed`'s sentence: "… does not have
/// authorization to perform action 'A' over scope 'S' or the scope is invalid.",
/// and `LinkedAuthorizationFailed`'s: "… has permission to perform action 'A' on
/// scope 'S'; however, it does not have permission to perform action(s) 'B' on
/// the linked scope(s) 'T' …".
pub(crate) fn missing_permission(code: &str, message: &str) -> Option<MissingPermission> {
    if !code.ends_with("AuthorizationFailed") {
        return None;
    }
    let message = message
        .split_once("does not have permission")
        .map_or(message, |(_, rest)| rest);
    let quoted_after = |word: &str| {
        let (_, rest) = message.split_once(word)?;
        let mut parts = rest.split('\'');
        parts.next()?;
        parts.next().map(str::to_owned)
    };
    Some(MissingPermission {
        action: quoted_after("action")?,
        scope: quoted_after("scope")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_body_is_read() {
        for (body, code, message) in [
            (
                r#"{"error":{"code":"A","message":"b","details":[]}}"#,
                "A",
                "b",
            ),
            (r#"{"code":"A","message":"b"}"#, "A", "b"),
            (r#"{"error":{"code":"A"}}"#, "A", ""),
            (r#"{"error":{"code":-7,"message":null}}"#, "-7", ""),
            (r#"{"error":null}"#, "", ""),
            ("", "", ""),
            ("<html>502 Bad Gateway</html>", "", ""),
            ("[1]", "", ""),
        ] {
            assert_eq!(
                parse(body.as_bytes()),
                (code.into(), message.into()),
                "{body}"
            );
        }
    }

    #[test]
    fn the_missing_permission_is_found() {
        let message = "The client 'x' with object id 'y' does not have authorization to perform action 'Microsoft.Network/privateEndpoints/write' over scope '/subscriptions/s/resourceGroups/g' or the scope is invalid. If access was recently granted, please refresh your credentials.";
        let linked = "The client 'x' has permission to perform action 'Microsoft.Network/privateEndpoints/write' on scope '/a'; however, it does not have permission to perform action(s) 'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '/b' (respectively) or the linked scope(s) are invalid.";
        for (code, message, action, scope) in [
            (
                "AuthorizationFailed",
                message,
                "Microsoft.Network/privateEndpoints/write",
                "/subscriptions/s/resourceGroups/g",
            ),
            (
                "LinkedAuthorizationFailed",
                linked,
                "Microsoft.Network/virtualNetworks/subnets/join/action",
                "/b",
            ),
        ] {
            let missing = missing_permission(code, message).unwrap();
            assert_eq!(
                (missing.action.as_str(), missing.scope.as_str()),
                (action, scope)
            );
        }
        assert_eq!(missing_permission("Conflict", message), None);
        assert_eq!(missing_permission("AuthorizationFailed", "no"), None);
    }
}
