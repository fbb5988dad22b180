//! Recordings as values.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::Value;

/// Where recorded requests went; what goes elsewhere is none of ours.
pub(super) const ARM: &str = "https://management.azure.com";

/// One recorded request and its answer.
#[derive(Clone, Debug)]
pub(super) struct Interaction {
    pub(super) method: String,
    /// What follows ARM's host name.
    pub(super) target: String,
    pub(super) body: Value,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) answer: String,
}

impl Interaction {
    /// The path's segments, decoded.
    pub(super) fn segments(&self) -> Vec<String> {
        segments(&self.target)
    }

    /// The query's keys and values, decoded.
    pub(super) fn query(&self) -> Vec<(String, String)> {
        query(&self.target)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value.as_str()))
    }

    /// The answer as JSON; null where it is empty.
    pub(super) fn document(&self) -> Value {
        serde_json::from_str(&self.answer).unwrap_or_default()
    }

    /// The id of the operation that the answer begins.
    fn operation(&self) -> Option<String> {
        let url = self
            .header("azure-asyncoperation")
            .or_else(|| self.header("location"))?;
        segments(url.strip_prefix(ARM)?).pop()
    }
}

/// The polls of the operation that interaction `at` begins. Of two kinds of
/// address, az asks one until it is done; what it reads at the other afterwards
/// is no poll.
pub(super) fn polls(interactions: &[Interaction], at: usize) -> Vec<usize> {
    if interactions[at].method == "GET" {
        return Vec::new();
    }
    let Some(operation) = interactions[at].operation() else {
        return Vec::new();
    };
    let mut polls: Vec<usize> = Vec::new();
    for (index, later) in interactions.iter().enumerate().skip(at + 1) {
        let path = later.segments();
        let is_poll = later.method == "GET" && path.last() == Some(&operation);
        let is_same = |first: &usize| interactions[*first].segments() == path;
        if is_poll && polls.first().is_none_or(is_same) {
            polls.push(index);
        }
    }
    polls
}

/// Reads a recording; what was not said to ARM is left out.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<Interaction>> {
    let text = fs::read_to_string(file)?;
    let documents = Yaml::load_from_str(&text).with_context(|| file.display().to_string())?;
    let interactions = documents
        .first()
        .and_then(|document| document.as_mapping_get("interactions"))
        .and_then(Yaml::as_sequence)
        .with_context(|| format!("no interactions in {}", file.display()))?;
    let read: anyhow::Result<Vec<Option<Interaction>>> =
        interactions.iter().map(interaction).collect();
    Ok(read?.into_iter().flatten().collect())
}

fn interaction(node: &Yaml<'_>) -> anyhow::Result<Option<Interaction>> {
    let (request, response) = (at(node, &["request"])?, at(node, &["response"])?);
    let uri = text(request, &["uri"])?;
    let Some(target) = uri.strip_prefix(ARM) else {
        return Ok(None);
    };
    let body = at(request, &["body"])?.as_str().unwrap_or_default();
    let status = at(response, &["status", "code"])?
        .as_integer()
        .context("a status that is no number")?;
    let mut headers = Vec::new();
    let recorded = at(response, &["headers"])?
        .as_mapping()
        .context("no headers")?;
    for (name, values) in recorded {
        let name = name.as_str().context("a header without a name")?;
        for value in values.as_sequence().into_iter().flatten() {
            // Numbers are read as such, and are none of what is looked for.
            if let Some(value) = value.as_str() {
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    ensure!(target.starts_with('/'), "no path in {uri}");
    Ok(Some(Interaction {
        method: text(request, &["method"])?.to_owned(),
        target: target.to_owned(),
        body: serde_json::from_str(body).unwrap_or_default(),
        status: u16::try_from(status)?,
        headers,
        answer: text(response, &["body", "string"])
            .unwrap_or_default()
            .to_owned(),
    }))
}

fn at<'a, 'input>(node: &'a Yaml<'input>, path: &[&str]) -> anyhow::Result<&'a Yaml<'input>> {
    path.iter().try_fold(node, |node, key| {
        node.as_mapping_get(key)
            .with_context(|| format!("no `{key}` in the recording"))
    })
}

fn text<'a>(node: &'a Yaml<'_>, path: &[&str]) -> anyhow::Result<&'a str> {
    at(node, path)?
        .as_str()
        .with_context(|| format!("`{}` is no text", path.join(".")))
}

/// The decoded segments of a target's path.
pub(super) fn segments(target: &str) -> Vec<String> {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    path.split('/').skip(1).map(decoded).collect()
}

/// The decoded query of a target.
pub(super) fn query(target: &str) -> Vec<(String, String)> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let plain = |text: &str| decoded(&text.replace('+', " "));
            (plain(name), plain(value))
        })
        .collect()
}

/// Undoes `%3B` and the like.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&out).into_owned()
}
