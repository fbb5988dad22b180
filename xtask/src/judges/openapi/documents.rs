//! Microsoft's `OpenAPI` documents, and what refers to what in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// Documents by their paths, and which definitions derive from which.
pub(super) struct Documents {
    files: BTreeMap<String, Value>,
    /// Base to derived definitions, however far down.
    derived: BTreeMap<String, Vec<Derived>>,
}

/// A definition that a discriminator's value can choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Derived {
    /// The discriminator's value: `x-ms-discriminator-value`, else the definition's name.
    pub(super) value: String,
    pub(super) key: String,
}

/// A schema where it stands; references in it are relative to its file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schema<'a> {
    pub(super) file: &'a str,
    pub(super) node: &'a Value,
}

impl<'a> Schema<'a> {
    /// Another schema of the same file.
    pub(super) fn beside(self, node: &'a Value) -> Self {
        Self { node, ..self }
    }

    /// The schemas that this one extends.
    pub(super) fn extended(self) -> impl Iterator<Item = Self> {
        let parts = self.node["allOf"].as_array().into_iter().flatten();
        parts.map(move |part| self.beside(part))
    }
}

impl Documents {
    /// Reads every document below a folder. Examples are none.
    pub(super) fn load(folder: &Path) -> anyhow::Result<Self> {
        let mut files = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(below) = folders.pop() {
            for entry in fs::read_dir(&below).with_context(|| below.display().to_string())? {
                let path = entry?.path();
                if path.is_dir() {
                    if path.file_name().is_none_or(|name| name != "examples") {
                        folders.push(path);
                    }
                } else if path
                    .extension()
                    .is_some_and(|extension| extension == "json")
                {
                    let text = fs::read(&path).with_context(|| path.display().to_string())?;
                    let document: Value = serde_json::from_slice(&text)
                        .with_context(|| path.display().to_string())?;
                    let relative = path.strip_prefix(folder)?;
                    let parts: Vec<_> = relative
                        .iter()
                        .map(|part| part.to_string_lossy().into_owned())
                        .collect();
                    files.insert(parts.join("/"), document);
                }
            }
        }
        if files.is_empty() {
            bail!("no documents in {}", folder.display());
        }
        Ok(Self::new(files))
    }

    /// The documents with these paths.
    pub(super) fn new(files: BTreeMap<String, Value>) -> Self {
        let mut documents = Self {
            files,
            derived: BTreeMap::new(),
        };
        documents.derived = documents.derivations();
        documents
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.files
            .iter()
            .map(|(name, document)| (name.as_str(), document))
    }

    /// What a reference in a file means, with its name; `None` where the
    /// document that it leads to is not here.
    pub(super) fn referred<'a>(
        &'a self,
        file: &str,
        reference: &str,
    ) -> Option<(String, Schema<'a>)> {
        let (path, pointer) = reference.split_once('#')?;
        let file = if path.is_empty() {
            file.to_owned()
        } else {
            joined(file, path)
        };
        let (file, document) = self.files.get_key_value(&file)?;
        let node = document.pointer(pointer)?;
        Some((format!("{file}#{pointer}"), Schema { file, node }))
    }

    /// Follows references to a schema that is none, with the last one's name.
    pub(super) fn followed<'a>(
        &'a self,
        schema: Schema<'a>,
    ) -> Option<(Option<String>, Schema<'a>)> {
        let (mut key, mut schema) = (None, schema);
        // A reference to itself is none.
        for _ in 0..16 {
            let Some(reference) = schema.node["$ref"].as_str() else {
                return Some((key, schema));
            };
            let (name, next) = self.referred(schema.file, reference)?;
            (key, schema) = (Some(name), next);
        }
        None
    }

    /// The definition with this name.
    pub(super) fn named(&self, key: &str) -> Option<Schema<'_>> {
        self.referred("", key).map(|(_, schema)| schema)
    }

    /// The definition with this name in whatever folder.
    pub(super) fn below(&self, key: &str) -> Option<Schema<'_>> {
        let (name, pointer) = key.split_once('#')?;
        let (file, document) = self.files.iter().find(|(file, _)| {
            let folder = file.strip_suffix(name);
            folder.is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
        })?;
        let node = document.pointer(pointer)?;
        Some(Schema { file, node })
    }

    /// The member that tells a definition's kinds apart, and the kinds.
    pub(super) fn kinds(&self, key: &str) -> Option<(&str, &[Derived])> {
        let derived = self.derived.get(key)?;
        let member = self.discriminator(self.named(key)?)?;
        Some((member, derived))
    }

    /// The discriminator's value that means this very definition.
    pub(super) fn own_kind<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        kind(key, self.named(key)?.node)
    }

    fn discriminator<'a>(&'a self, schema: Schema<'a>) -> Option<&'a str> {
        let own = schema.node["discriminator"].as_str();
        own.or_else(|| {
            schema.extended().find_map(|part| {
                let (_, base) = self.followed(part)?;
                self.discriminator(base)
            })
        })
    }

    fn derivations(&self) -> BTreeMap<String, Vec<Derived>> {
        let mut derived: BTreeMap<String, Vec<Derived>> = BTreeMap::new();
        for (file, document) in &self.files {
            for (name, node) in document["definitions"].as_object().into_iter().flatten() {
                let key = format!("{file}#/definitions/{name}");
                let Some(value) = kind(&key, node) else {
                    continue;
                };
                let mut bases = BTreeSet::new();
                self.collect_bases(Schema { file, node }, &mut bases);
                for base in bases {
                    derived.entry(base).or_default().push(Derived {
                        value: value.to_owned(),
                        key: key.clone(),
                    });
                }
            }
        }
        derived
    }

    fn collect_bases(&self, schema: Schema<'_>, bases: &mut BTreeSet<String>) {
        for part in schema.extended() {
            let Some((Some(key), base)) = self.followed(part) else {
                continue;
            };
            if bases.insert(key) {
                self.collect_bases(base, bases);
            }
        }
    }
}

fn kind<'a>(key: &'a str, node: &'a Value) -> Option<&'a str> {
    let own = node["x-ms-discriminator-value"].as_str();
    own.or_else(|| key.rsplit_once('/').map(|(_, name)| name))
}

/// A path relative to a file's folder, without `.` and `..`.
fn joined(file: &str, path: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file() {
        assert_eq!(joined("a/b/c.json", "./d.json"), "a/b/d.json");
        assert_eq!(joined("a/b/c.json", "../../x/d.json"), "x/d.json");
    }
}
