//! Which of the databases that Azure offers the site means.

use crate::finding::{AzureFinding, Finding};
use crate::site::{Database, DatabasePattern};

/// Characters with which Azure refuses to configure a database's protection one
/// by one ("Back up SQL Server databases in Azure VMs", MicrosoftDocs/azure-docs,
/// 2026-02).
const REFUSED: &[char] = &[
    '{', '\'', '}', '[', ']', ',', '=', '-', '(', ')', '.', '+', '&', ';', '/',
];

/// What the site's patterns mean among what is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The databases to protect, in the order in which they are offered.
    pub chosen: Vec<Database>,
    /// What was noticed.
    pub findings: Vec<Finding>,
}

/// Selects by `patterns`, and looks at the names.
#[must_use]
pub fn select(patterns: &[DatabasePattern], offered: &[Database]) -> Selection {
    let is_meant = |database: &Database| patterns.iter().any(|one| one.matches(database));
    let mut findings: Vec<Finding> = patterns
        .iter()
        .filter(|pattern| !offered.iter().any(|database| pattern.matches(database)))
        .map(|pattern| AzureFinding::PatternMatchesNothing {
            pattern: pattern.to_string(),
            offered: offered.iter().map(ToString::to_string).collect(),
        })
        .map(Finding::Azure)
        .collect();
    let mut chosen = Vec::new();
    for database in offered.iter().filter(|database| is_meant(database)) {
        match unfit(&database.name) {
            Some(characters) => findings.push(Finding::Azure(AzureFinding::DatabaseNameUnfit {
                database: database.to_string(),
                characters,
            })),
            None => chosen.push(database.clone()),
        }
    }
    Selection { chosen, findings }
}

/// The characters in a database's name that Azure refuses.
fn unfit(name: &str) -> Option<String> {
    let mut found: Vec<char> = name.chars().filter(|c| REFUSED.contains(c)).collect();
    if name.starts_with(' ') || name.ends_with(' ') {
        found.push(' ');
    }
    if name.ends_with('!') || name.contains('%') {
        found.extend(name.chars().filter(|c| matches!(c, '!' | '%')));
    }
    found.sort_unstable();
    found.dedup();
    (!found.is_empty()).then(|| found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Site;

    fn database(text: &str) -> Database {
        let (instance, name) = text.split_once('/').unwrap();
        Database {
            instance: instance.to_owned(),
            name: name.to_owned(),
        }
    }

    fn patterns(list: &str) -> Vec<DatabasePattern> {
        let text = crate::site::SAMPLE.replace(
            "databases = [\"MSSQLSERVER/orders\"]",
            &format!("databases = [{list}]"),
        );
        Site::parse(&text).unwrap().sql.databases
    }

    #[test]
    fn patterns_choose_whatever_the_case() {
        let offered = ["MSSQLSERVER/orders", "MSSQLSERVER/Stock", "REPORTS/orders"].map(database);
        let chosen = select(&patterns("\"mssqlserver/*\""), &offered);
        assert_eq!(chosen.chosen, offered[..2]);
        assert!(chosen.findings.is_empty());
        let none = select(&patterns("\"OTHER/*\""), &offered);
        assert!(none.chosen.is_empty());
        assert_eq!(none.findings[0].code().to_string(), "SS603");
    }

    #[test]
    fn names_that_azure_refuses_are_named_and_not_chosen() {
        let offered = ["MSSQLSERVER/a-b", "MSSQLSERVER/plain", "MSSQLSERVER/end "].map(database);
        let chosen = select(&patterns("\"*/*\""), &offered);
        assert_eq!(chosen.chosen, [database("MSSQLSERVER/plain")]);
        let codes: Vec<String> = chosen
            .findings
            .iter()
            .map(|one| one.code().to_string())
            .collect();
        assert_eq!(codes, ["SS601", "SS601"]);
    }
}
