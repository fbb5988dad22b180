//! The rows that the project carries for .NET Framework.

use anyhow::Context as _;
use serde_json::Value;
use sidestep_model::bypass::HostContext;

use super::{Case, Exception};

const ROWS: &str =
    include_str!("../../../../crates/model/tests/data/dotnet_framework_vectors.json");

/// A carried row.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) case: Case,
    /// The computer that the answer holds for.
    pub(super) host: HostContext,
    expected: String,
    exception: Option<Exception>,
}

impl Row {
    /// `proxy` stands for whichever proxy the environment names.
    pub(super) fn is_answered_by(&self, answer: &str) -> bool {
        self.expected == answer || (self.expected == "proxy" && answer.starts_with("http://"))
    }

    /// Why another computer may answer otherwise.
    pub(super) fn exception(&self) -> Option<Exception> {
        self.exception
    }
}

/// Every list and every `ProxyServer` string; the order of mechanisms is not the
/// judge's to say, because Mono has no `WinHTTP`.
pub(super) fn carried() -> anyhow::Result<Vec<Row>> {
    let file: Value = serde_json::from_str(ROWS)?;
    let mut rows = Vec::new();
    for section in ["bypass_vectors", "proxy_server_vectors"] {
        for row in file[section]
            .as_array()
            .with_context(|| format!("no {section}"))?
        {
            rows.push(parse(row, &file["environment"])?);
        }
    }
    Ok(rows)
}

fn parse(row: &Value, environment: &Value) -> anyhow::Result<Row> {
    let setting = |key: &str| {
        if row[key].is_null() {
            &environment[key]
        } else {
            &row[key]
        }
    };
    let text = |key: &str| {
        setting(key)
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("no {key} in {row}"))
    };
    let own_addresses = serde_json::from_value(setting("own_addresses").clone())?;
    let case = Case {
        proxy_server: text("proxy_server")?,
        bypass_list: text("bypass_list")?,
        url: text("url")?,
    };
    let is_about_an_address =
        sidestep_model::destination::Destination::parse(&case.url).is_ok_and(|destination| {
            destination
                .canonical_host()
                .ends_with(|c: char| c.is_ascii_digit() || c == ']')
        });
    Ok(Row {
        id: text("id")?,
        exception: case
            .bypass_list
            .to_ascii_lowercase()
            .contains("<local>")
            .then_some(if is_about_an_address {
                Exception::OwnAddress
            } else {
                Exception::DnsSuffix
            }),
        host: HostContext {
            dns_suffix: text("machine_dns_suffix")?,
            own_addresses,
        },
        expected: text("expected")?,
        case,
    })
}
