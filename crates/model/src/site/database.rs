//! Databases as `INSTANCE/database`.

use std::fmt;

use serde::Serialize;

/// One database of one SQL Server instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Database {
    /// The instance; the default one is `MSSQLSERVER`.
    pub instance: String,
    /// The database.
    pub name: String,
}

impl Database {
    /// Reads `INSTANCE/database`; `None` where it is not that, or is a pattern.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (instance, name) = parts(text)?;
        (!text.contains(['*', '?'])).then(|| Self {
            instance: instance.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.instance, self.name)
    }
}

/// Databases by pattern: `*` stands for any characters, `?` for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatabasePattern {
    /// The pattern of the instance.
    pub instance: String,
    /// The pattern of the database.
    pub name: String,
}

impl DatabasePattern {
    /// Reads `INSTANCE/database`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (instance, name) = parts(text)?;
        Some(Self {
            instance: instance.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The one database that it names, where it holds no wildcard.
    #[must_use]
    pub fn exact(&self) -> Option<Database> {
        Database::parse(&self.to_string())
    }

    /// Whether the pattern means that database. Letter case does not matter,
    /// because Azure itself returns names in varying case.
    #[must_use]
    pub fn matches(&self, database: &Database) -> bool {
        glob(&self.instance, &database.instance) && glob(&self.name, &database.name)
    }
}

impl fmt::Display for DatabasePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.instance, self.name)
    }
}

/// The two parts, neither empty. An instance is named without its server.
fn parts(text: &str) -> Option<(&str, &str)> {
    let (instance, name) = text.split_once('/')?;
    let is_valid = !instance.trim().is_empty()
        && !name.trim().is_empty()
        && !instance.contains('\\')
        && !name.contains('/')
        && !text.contains(char::is_control);
    is_valid.then_some((instance, name))
}

/// Matches in linear memory: on a mismatch the last `*` swallows one more character.
fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().flat_map(char::to_lowercase).collect();
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let (mut at, mut position) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while position < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, position));
                at += 1;
            }
            Some(&expected) if expected == '?' || expected == text[position] => {
                at += 1;
                position += 1;
            }
            _ => match star {
                None => return false,
                Some((star_at, swallowed)) => {
                    star = Some((star_at, swallowed + 1));
                    at = star_at + 1;
                    position = swallowed + 1;
                }
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}
