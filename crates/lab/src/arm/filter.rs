//! `$filter`, as far as Azure Backup's lists take it (`a eq 'b' and c eq 'd'`), and pages.

use serde_json::{Value, json};

use super::call::Call;

/// What a list holds at most; the rest follows by `nextLink`.
const PAGE: usize = 50;

/// The conditions of one filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter(Vec<(String, String)>);

impl Filter {
    pub(super) fn parse(text: &str) -> Self {
        let conditions = text.split(" and ").filter_map(|condition| {
            let (name, value) = condition.split_once(" eq ")?;
            let value = value.trim().trim_matches('\'');
            Some((name.trim().to_lowercase(), value.to_owned()))
        });
        Self(conditions.collect())
    }

    /// What `name` has to be, if anything.
    pub(super) fn wanted(&self, name: &str) -> Option<&str> {
        let mut conditions = self.0.iter();
        let found = conditions.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether `value` may be `name`'s.
    pub(super) fn allows(&self, name: &str, value: &str) -> bool {
        self.wanted(name)
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
    }
}

/// Cuts a list into pages.
pub(super) fn page(call: &Call, mut value: Vec<Value>) -> Value {
    let skipped = call
        .parameter("$skipToken")
        .and_then(|token| token.parse().ok());
    let skipped: usize = skipped.unwrap_or(0).min(value.len());
    let mut value = value.split_off(skipped);
    if value.len() <= PAGE {
        return json!({ "value": value });
    }
    value.truncate(PAGE);
    let target = call.target.split("&$skipToken=").next().unwrap_or_default();
    let target = target.split("&%24skipToken=").next().unwrap_or_default();
    let next = format!("{}{target}&$skipToken={}", call.origin, skipped + PAGE);
    json!({ "value": value, "nextLink": next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_and_applied() {
        let filter =
            Filter::parse("backupManagementType eq 'AzureWorkload' and status eq 'Registered'");
        assert!(filter.allows("status", "registered"));
        assert!(!filter.allows("backupmanagementtype", "AzureStorage"));
        assert!(filter.allows("itemType", "anything"));
        assert_eq!(Filter::parse("").wanted("status"), None);
    }
}
