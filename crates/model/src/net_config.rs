//! What .NET Framework's configuration files say of proxies.
//!
//! `<system.net><defaultProxy>` in a program's `….exe.config`, or in the
//! machine's `machine.config`, decides before the account's settings do
//! (`DefaultProxySection.cs` in microsoft/referencesource).

use roxmltree::{Document, Node};
use serde::Serialize;

use crate::proxy_server::masked;

/// A configuration file that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetConfig {
    /// Its path.
    pub file: String,
    /// The service whose program reads it; `None` for a `machine.config`, which
    /// counts for every program that says nothing itself.
    pub service: Option<String>,
    /// What it does instead of the account's settings; nothing where it leaves
    /// them alone. An error says why it cannot be told.
    pub says: Result<Option<ProxyOverride>, String>,
}

/// What a `<defaultProxy>` does to the account's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyOverride {
    /// No proxy, whatever the account says.
    NoProxy,
    /// The account's proxy and list, but neither detection nor script.
    ManualOnly,
    /// The account's settings with parts replaced, read once at the start.
    PartsReplaced,
    /// A list without a proxy: everything goes direct.
    AllDirect,
    /// This proxy (credentials masked), and the file's own list.
    OwnProxy(String),
    /// Detection or a script of its own.
    OwnScript,
    /// A program's own code decides.
    Module,
}

impl NetConfig {
    /// Reads what stands in `bytes`, the content of `file`.
    #[must_use]
    pub fn parse(file: &str, service: Option<&str>, bytes: &[u8]) -> Self {
        Self {
            file: file.to_owned(),
            service: service.map(str::to_owned),
            says: text(bytes).and_then(|text| said(&text)),
        }
    }

    /// A file that is there and could not be read.
    #[must_use]
    pub fn unreadable(file: &str, service: Option<&str>, error: &str) -> Self {
        Self {
            file: file.to_owned(),
            service: service.map(str::to_owned),
            says: Err(error.to_owned()),
        }
    }
}

/// UTF-8, or UTF-16 with its mark, as Windows' editors write it.
fn text(bytes: &[u8]) -> Result<String, String> {
    if let Some(wide) = bytes.strip_prefix(&[0xFF, 0xFE]) {
        let units: Vec<u16> = wide
            .as_chunks::<2>()
            .0
            .iter()
            .map(|unit| u16::from_le_bytes(*unit))
            .collect();
        return Ok(String::from_utf16_lossy(&units));
    }
    let plain = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes);
    String::from_utf8(plain.to_vec()).map_err(|error| error.to_string())
}

fn said(text: &str) -> Result<Option<ProxyOverride>, String> {
    let document = Document::parse(text).map_err(|error| error.to_string())?;
    let section = child(document.root_element(), "system.net");
    Ok(section
        .and_then(|section| child(section, "defaultProxy"))
        .and_then(decides))
}

fn decides(section: Node<'_, '_>) -> Option<ProxyOverride> {
    if attribute(section, "enabled") == Some("false".to_owned()) {
        return Some(ProxyOverride::NoProxy);
    }
    if child(section, "module").is_some_and(|module| module.has_attribute("type")) {
        return Some(ProxyOverride::Module);
    }
    let proxy = child(section, "proxy");
    let said = |name| proxy.and_then(|proxy| attribute(proxy, name));
    let is_set = |name| said(name).filter(|value| value != "unspecified");
    let list = child(section, "bypasslist");
    let has_list = list.is_some_and(|list| child(list, "add").is_some());
    let address = proxy.and_then(|proxy| exact(proxy, "proxyaddress"));
    let address = address.filter(|address| !address.trim().is_empty());
    let has_parts = has_list || is_set("bypassonlocal").is_some();
    if is_set("scriptlocation").is_some() || is_set("autodetect").as_deref() == Some("true") {
        return Some(ProxyOverride::OwnScript);
    }
    match (is_set("usesystemdefault").as_deref(), address) {
        (Some("true"), None) if !has_parts => Some(ProxyOverride::ManualOnly),
        (Some("true"), _) => Some(ProxyOverride::PartsReplaced),
        (_, Some(address)) => Some(ProxyOverride::OwnProxy(masked(&address))),
        (_, None) if has_parts => Some(ProxyOverride::AllDirect),
        (Some("false"), None) => Some(ProxyOverride::NoProxy),
        (_, None) => None,
    }
}

/// The first element inside of this name.
fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    let mut children = node.children().filter(Node::is_element);
    children.find(|child| child.tag_name().name() == name)
}

/// An attribute's value in small letters, as switches are compared.
fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    exact(node, name).map(|value| value.trim().to_lowercase())
}

fn exact(node: Node<'_, '_>, name: &str) -> Option<String> {
    let mut attributes = node.attributes();
    let found = attributes.find(|attribute| attribute.name().eq_ignore_ascii_case(name));
    found.map(|attribute| attribute.value().to_owned())
}
