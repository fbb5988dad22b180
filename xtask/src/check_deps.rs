//! The architecture, checked: which crate may know which, and what no source
//! file of the product may hold.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// Who may depend on whom, development dependencies included.
const ALLOWED: &[(&str, Crates)] = &[
    ("sidestep-model", Crates::These(&[])),
    ("sidestep-machine", Crates::These(&["sidestep-model"])),
    ("sidestep-probe", Crates::These(&["sidestep-model"])),
    ("sidestep-azure", Crates::These(&["sidestep-model"])),
    ("sidestep-audit", Crates::These(&["sidestep-model"])),
    (
        "sidestep-flow",
        Crates::These(&[
            "sidestep-model",
            "sidestep-machine",
            "sidestep-probe",
            "sidestep-azure",
        ]),
    ),
    // So that an error of ours cannot agree with itself.
    ("sidestep-lab", Crates::These(&[])),
    ("sidestep-cli", Crates::Any),
    (
        "xtask",
        Crates::These(&["sidestep-model", "sidestep-azure"]),
    ),
];

/// Packages, by the beginning of their names, that would let `model` act.
const NOT_IN_MODEL: &[&str] = &["tokio", "hyper", "reqwest", "hickory-", "rustls"];

/// A name that says nothing about what is inside.
const NAMELESS: &[&str] = &["utils.rs", "helpers.rs", "common.rs"];

/// Only `machine` knows one operating system from another.
const PLATFORM_WORDS: &[&str] = &["target_os", "target_family", "windows", "unix"];

enum Crates {
    Any,
    These(&'static [&'static str]),
}

impl Crates {
    fn include(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::These(names) => names.contains(&name),
        }
    }
}

/// Names every violation; false if there is one.
pub(crate) fn run(workspace: &Path, out: &mut dyn Write) -> anyhow::Result<bool> {
    let mut violations = forbidden_edges(&metadata(workspace)?)?;
    let sources = sources(&workspace.join("crates"))?;
    for path in &sources {
        let shown = path.strip_prefix(workspace).unwrap_or(path);
        violations.extend(nameless(shown));
        if !shown.starts_with("crates/machine") {
            violations.extend(platform_conditions(shown, &fs::read_to_string(path)?));
        }
    }
    for violation in &violations {
        writeln!(out, "check-deps: {violation}")?;
    }
    if violations.is_empty() {
        writeln!(
            out,
            "check-deps: nothing against the rules in {} files",
            sources.len()
        )?;
    }
    Ok(violations.is_empty())
}

/// What cargo knows of the workspace.
pub(crate) fn metadata(workspace: &Path) -> anyhow::Result<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(workspace)
        .output()?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The edges that the table does not allow, each named.
fn forbidden_edges(metadata: &Value) -> anyhow::Result<Vec<String>> {
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata names no packages")?;
    let names: Vec<&str> = packages
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    let mut violations = Vec::new();
    for package in packages {
        let name = package["name"]
            .as_str()
            .context("a package without a name")?;
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            violations.push(format!("{name} has no rule: say which crates it may know"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"]
                .as_str()
                .context("a dependency without a name")?;
            let kind = dependency["kind"].as_str().unwrap_or("normal");
            let is_ours = names.contains(&to);
            let is_actor =
                name == "sidestep-model" && NOT_IN_MODEL.iter().any(|start| to.starts_with(start));
            if (is_ours && !allowed.include(to)) || is_actor {
                violations.push(format!("{name} -> {to} ({kind} dependency)"));
            }
        }
    }
    Ok(violations)
}

fn sources(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut sources = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(path);
            }
        }
    }
    sources.sort();
    Ok(sources)
}

fn nameless(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    NAMELESS
        .contains(&name)
        .then(|| format!("{}: name the file for what it holds", path.display()))
}

/// Conditions of compilation, `cfg(…)`, `cfg_attr(…)` or `cfg!(…)`, that tell
/// operating systems apart.
fn platform_conditions(path: &Path, source: &str) -> Vec<String> {
    let code: String = source
        .lines()
        .map(|line| without_comment(line).to_owned() + "\n")
        .collect();
    let mut violations = Vec::new();
    for opening in ["cfg(", "cfg!(", "cfg_attr("] {
        for (at, _) in code.match_indices(opening) {
            let condition = in_parentheses(&code[at + opening.len()..]);
            let mut words = condition.split(|c: char| !c.is_alphanumeric() && c != '_');
            if let Some(word) = words.find(|word| PLATFORM_WORDS.contains(word)) {
                let line = code[..at].matches('\n').count() + 1;
                violations.push(format!(
                    "{}:{line}: `{word}` outside crates/machine",
                    path.display()
                ));
            }
        }
    }
    violations
}

fn without_comment(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

/// Everything up to the parenthesis that closes what is already open.
fn in_parentheses(text: &str) -> &str {
    let mut depth = 1;
    let closing = text.find(|c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    });
    &text[..closing.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Value {
        let dependencies: Vec<Value> = dependencies
            .iter()
            .map(|(name, kind)| json!({ "name": name, "kind": kind }))
            .collect();
        json!({ "name": name, "dependencies": dependencies })
    }

    #[test]
    fn edges_are_named() {
        let metadata = json!({ "packages": [
            package("sidestep-model", &[("serde", None), ("hickory-proto", None), ("tokio", Some("dev"))]),
            package("sidestep-lab", &[("sidestep-model", Some("dev"))]),
            package("sidestep-flow", &[("sidestep-model", None), ("sidestep-probe", None)]),
            package("sidestep-probe", &[("sidestep-model", None), ("tokio", None)]),
            package("sidestep-extra", &[]),
        ]});
        assert_eq!(
            forbidden_edges(&metadata).unwrap(),
            [
                "sidestep-model -> hickory-proto (normal dependency)",
                "sidestep-model -> tokio (dev dependency)",
                "sidestep-lab -> sidestep-model (dev dependency)",
                "sidestep-extra has no rule: say which crates it may know",
            ]
        );
    }

    #[test]
    fn platforms_are_told_apart_in_one_crate_only() {
        let path = Path::new("crates/flow/src/run.rs");
        let source = "#[cfg(test)]\nmod a;\n\n#[cfg(all(feature = \"x\",\n  any(windows, unix)))]\n// cfg(unix)\nlet b = cfg!(target_os = \"linux\");";
        assert_eq!(
            platform_conditions(path, source),
            [
                "crates/flow/src/run.rs:4: `windows` outside crates/machine",
                "crates/flow/src/run.rs:7: `target_os` outside crates/machine",
            ]
        );
        assert!(platform_conditions(path, "#[cfg(feature = \"a\")] fn windows() {}").is_empty());
    }

    #[test]
    fn files_have_names() {
        assert!(nameless(Path::new("crates/model/src/utils.rs")).is_some());
        assert!(nameless(Path::new("crates/model/src/route.rs")).is_none());
    }
}
