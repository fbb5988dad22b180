//! Registry data fit to be written down: without anybody's password.
//!
//! A `ProxyServer` string, a script's address and the blobs can hold
//! `user:password@`. Sidestep never changes credentials, so a plan or journal
//! need not know them: they are cut out, and what is on the machine is put in
//! their place when the data is used.
//!
//! Nor does it change what stands in a blob behind the strings. Where that can
//! hold credentials, in a cached address or in bytes that nobody understands, it
//! is hidden whole, and what the machine's blob has there is kept.

use serde::{Deserialize, Serialize};

use crate::blob::{BlobText, ConnectionSettings, Tail, parse_hex, to_hex};
use crate::observed::{ObservedAccount, ValueName};
use crate::proxy_server::{cut_credentials, insert_credentials};
use crate::registry::RegistryData;

/// One value's data with its credentials cut out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Redacted(RegistryData);

impl Redacted {
    /// The data without credentials.
    #[must_use]
    pub fn of(name: ValueName, data: &RegistryData) -> Self {
        if may_hide_credentials(name, data) {
            return Self(RegistryData::from_raw(data.kind(), MASK.to_vec()));
        }
        let masked = each_address(name, data, &mut |_, text| Some(cut_credentials(text).0));
        let mut masked = masked.unwrap_or_else(|| data.clone());
        if let Some(mut blob) = blob(&masked).filter(|blob| blob.tail.may_hide_credentials()) {
            blob.tail = Tail::Opaque(MASK.to_vec());
            masked = RegistryData::Binary(blob.encode());
        }
        Self(masked)
    }

    /// The data with the credentials that `here`, the account that it belongs
    /// to, holds now; `None` where it lacks some that fit.
    #[must_use]
    pub fn filled(&self, name: ValueName, here: &ObservedAccount) -> Option<RegistryData> {
        // The value's own come first, then those that the services read.
        let read = ValueName::DefaultConnectionSettings;
        let holders = [name, read].into_iter().chain(here.values.keys().copied());
        let known: Vec<Held> = holders
            .filter_map(|name| Some(held(name, here.values.get(&name)?)))
            .collect();
        let filled = each_address(name, &self.0, &mut |address, text| {
            let count = cut_credentials(text).1.len();
            if count == 0 {
                return Some(text.to_owned());
            }
            let fits = |held: &&(Address, Vec<String>)| held.0 == address && held.1.len() == count;
            let (_, credentials) = known.iter().flatten().find(fits)?;
            insert_credentials(text, credentials)
        })?;
        match blob(&filled) {
            Some(mut masked) if matches!(&masked.tail, Tail::Opaque(bytes) if bytes == MASK) => {
                let here = blob(here.values.get(&name)?)?;
                masked.tail = (here.version == masked.version).then_some(here.tail)?;
                Some(RegistryData::Binary(masked.encode()))
            }
            _ => Some(filled),
        }
    }

    /// The data, with `***` where credentials were.
    #[must_use]
    pub fn data(&self) -> &RegistryData {
        &self.0
    }
}

/// The credentials that a value's data holds, and where.
#[must_use]
pub(crate) fn credentials(name: ValueName, data: &RegistryData) -> Vec<(Address, Vec<String>)> {
    if may_hide_credentials(name, data) {
        let address = address(name).unwrap_or(Address::Unknown);
        return vec![(address, vec![to_hex(&data.raw_bytes())])];
    }
    let mut found = held(name, data);
    if let Some(blob) = blob(data).filter(|blob| blob.tail.may_hide_credentials()) {
        found.push((Address::Unknown, vec![to_hex(&blob.tail.encode())]));
    }
    found
}

/// What credentials belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// A proxy.
    Proxy,
    /// A configuration script.
    Script,
    /// Something in bytes that cannot be taken apart.
    Unknown,
}

/// Stands for what is hidden whole.
const MASK: &[u8] = b"***";

/// The credentials in each address that has some.
type Held = Vec<(Address, Vec<String>)>;

fn held(name: ValueName, data: &RegistryData) -> Held {
    let mut found = Held::new();
    each_address(name, data, &mut |address, text| {
        found.push((address, cut_credentials(text).1));
        Some(text.to_owned())
    });
    found.retain(|(_, credentials)| !credentials.is_empty());
    found
}

fn address(name: ValueName) -> Option<Address> {
    match name {
        ValueName::ProxyServer => Some(Address::Proxy),
        ValueName::AutoConfigUrl => Some(Address::Script),
        _ => None,
    }
}

/// Whether the data cannot be taken apart, and credentials in it would not be
/// seen: an address of an odd type with an `@` somewhere, a blob that cannot be
/// read. A bypass list is no address.
fn may_hide_credentials(name: ValueName, data: &RegistryData) -> bool {
    let is_odd = matches!(data, RegistryData::Binary(_) | RegistryData::Other { .. });
    let has_at = || data.raw_bytes().contains(&b'@');
    match name {
        ValueName::SavedLegacySettings | ValueName::DefaultConnectionSettings => {
            blob(data).is_none()
        }
        ValueName::ProxyServer | ValueName::AutoConfigUrl => is_odd && has_at(),
        ValueName::ProxyEnable => !matches!(data, RegistryData::Dword(_)) && has_at(),
        ValueName::ProxyOverride => false,
    }
}

fn blob(data: &RegistryData) -> Option<ConnectionSettings> {
    match data {
        RegistryData::Binary(bytes) => ConnectionSettings::decode(bytes).ok(),
        _ => None,
    }
}

/// The data with `edit` applied to each string that can hold credentials;
/// `None` where `edit` gives up on one.
fn each_address(
    name: ValueName,
    data: &RegistryData,
    edit: &mut dyn FnMut(Address, &str) -> Option<String>,
) -> Option<RegistryData> {
    Some(match (data, address(name)) {
        (RegistryData::Text(text), Some(address)) => {
            RegistryData::Text(edited(text, address, edit)?)
        }
        (RegistryData::ExpandText(text), Some(address)) => {
            RegistryData::ExpandText(edited(text, address, edit)?)
        }
        _ => match blob(data) {
            Some(mut blob) => {
                let mut edit_field = |text: &mut BlobText, address| {
                    *text = text.edited(|text| edit(address, text))?;
                    Some(())
                };
                edit_field(&mut blob.proxy_server, Address::Proxy)?;
                edit_field(&mut blob.auto_config_url, Address::Script)?;
                RegistryData::Binary(blob.encode())
            }
            None => data.clone(),
        },
    })
}

/// Text is edited as its bytes, as in a blob, so that both hold the same credentials.
fn edited(
    text: &str,
    address: Address,
    edit: &mut dyn FnMut(Address, &str) -> Option<String>,
) -> Option<String> {
    let edited = BlobText::from(text).edited(|text| edit(address, text))?;
    String::from_utf8(edited.as_bytes().to_vec()).ok()
}

/// How data is written in plans and journals.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Written {
    Text(String),
    ExpandText(String),
    Dword(u32),
    Binary(String),
    Other { kind: u32, bytes: String },
}

impl From<Redacted> for Written {
    fn from(redacted: Redacted) -> Self {
        match redacted.0 {
            RegistryData::Text(text) => Self::Text(text),
            RegistryData::ExpandText(text) => Self::ExpandText(text),
            RegistryData::Dword(number) => Self::Dword(number),
            RegistryData::Binary(bytes) => Self::Binary(to_hex(&bytes)),
            RegistryData::Other { kind, bytes } => Self::Other {
                kind,
                bytes: to_hex(&bytes),
            },
        }
    }
}

impl TryFrom<Written> for Redacted {
    type Error = crate::blob::HexError;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        Ok(Self(match written {
            Written::Text(text) => RegistryData::Text(text),
            Written::ExpandText(text) => RegistryData::ExpandText(text),
            Written::Dword(number) => RegistryData::Dword(number),
            Written::Binary(hex) => RegistryData::Binary(parse_hex(&hex)?),
            Written::Other { kind, bytes } => RegistryData::Other {
                kind,
                bytes: parse_hex(&bytes)?,
            },
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::DiscoveryCache;
    use crate::settings::ProxySettings;

    const SECRET: &str = "http=http://jo\u{e9}:ge;heim@10.2.0.16:8080;https=u:p@h:1";

    fn account(values: &[(ValueName, RegistryData)]) -> ObservedAccount {
        ObservedAccount {
            exists: true,
            values: values.iter().cloned().collect(),
            ..ObservedAccount::default()
        }
    }

    #[test]
    fn what_is_cut_out_can_be_put_back_from_any_value_of_the_account() {
        let blob = ConnectionSettings::new(&ProxySettings::manual(SECRET, "a;b"));
        let blob = RegistryData::Binary(blob.encode());
        let text = RegistryData::Text(SECRET.to_owned());
        let name = ValueName::DefaultConnectionSettings;
        let redacted = Redacted::of(name, &blob);
        let written = serde_json::to_string(&redacted).unwrap();
        let read: Redacted = serde_json::from_str(&written).unwrap();
        assert_eq!(read, redacted);
        let hex = to_hex("heim".as_bytes());
        assert!(!written.contains(&hex), "{written}");

        for holder in [(name, blob.clone()), (ValueName::ProxyServer, text)] {
            assert_eq!(read.filled(name, &account(&[holder])), Some(blob.clone()));
        }
        assert_eq!(read.filled(name, &account(&[])), None);
    }

    #[test]
    fn an_address_that_cannot_be_taken_apart_is_hidden_whole() {
        let text: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
        // A string that does not end, bytes, several strings.
        for kind in [1, 2, 3, 7] {
            let data = RegistryData::from_raw(kind, text.clone());
            let redacted = Redacted::of(ValueName::ProxyServer, &data);
            assert_eq!(redacted.data().kind(), kind);
            assert_eq!(redacted.data().raw_bytes().as_ref(), b"***");
            assert!(!credentials(ValueName::ProxyServer, &data).is_empty());
        }
    }

    #[test]
    fn what_stands_behind_the_strings_is_hidden_whole_and_kept() {
        let name = ValueName::DefaultConnectionSettings;
        let whole = ConnectionSettings::new(&ProxySettings::manual("a:1", "x"));
        let cached = |edit: fn(&mut DiscoveryCache)| {
            let mut cache = DiscoveryCache {
                sockaddr_list: Some(Vec::new()),
                ..DiscoveryCache::default()
            };
            edit(&mut cache);
            (0x46, Tail::Whole(cache))
        };
        let wide: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (version, tail) in [
            (0x50, Tail::Opaque(SECRET.as_bytes().to_vec())),
            (0x50, Tail::Opaque(wide)),
            (0x46, Tail::Opaque(b"password=geheim".to_vec())),
            cached(|cache| cache.surplus = b"geheim".to_vec()),
            cached(|cache| cache.last_detect_url = "http://u:geheim@wpad/x".into()),
            cached(|cache| cache.secondary_auto_config_url = "http://u:geheim@wpad/x".into()),
        ] {
            let blob = ConnectionSettings {
                version,
                tail,
                ..whole.clone()
            };
            let data = RegistryData::Binary(blob.encode());
            let written = serde_json::to_string(&Redacted::of(name, &data)).unwrap();
            for secret in ["geheim", "heim"] {
                let narrow = to_hex(secret.as_bytes());
                let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
                assert!(!written.contains(&narrow) && !written.contains(&to_hex(&wide)));
            }
            let read: Redacted = serde_json::from_str(&written).unwrap();
            assert_eq!(Redacted::of(name, read.data()), read);
            // Windows moved its cache, or another tool wrote over it: that stays.
            let moved = ConnectionSettings {
                tail: Tail::Opaque(vec![0, 1]),
                ..blob.clone()
            };
            for tail in [blob, moved] {
                let there = RegistryData::Binary(tail.encode());
                let here = account(&[(name, there.clone())]);
                assert_eq!(read.filled(name, &here), Some(there));
            }
            let elsewhere = account(&[(ValueName::SavedLegacySettings, data)]);
            assert_eq!(read.filled(name, &elsewhere), None);
        }
        // What nobody can read at all is hidden, too, whatever its type.
        for data in [
            RegistryData::Binary(b"u:geheim@h".to_vec()),
            RegistryData::Text("geheim".to_owned()),
        ] {
            let redacted = Redacted::of(name, &data);
            assert_eq!(redacted.data().raw_bytes().as_ref(), MASK);
        }
    }

    #[test]
    fn data_without_credentials_is_written_as_it_is() {
        for (name, data) in [
            (ValueName::ProxyServer, RegistryData::Text("a:1".to_owned())),
            (
                ValueName::ProxyOverride,
                RegistryData::Text("u:p@h".to_owned()),
            ),
            (ValueName::ProxyEnable, RegistryData::Dword(1)),
            (
                ValueName::DefaultConnectionSettings,
                RegistryData::Binary(ConnectionSettings::new(&ProxySettings::default()).encode()),
            ),
            (
                ValueName::AutoConfigUrl,
                RegistryData::Other {
                    kind: 7,
                    bytes: vec![1, 2],
                },
            ),
        ] {
            let redacted = Redacted::of(name, &data);
            assert_eq!(redacted.data(), &data);
            assert_eq!(redacted.filled(name, &account(&[])), Some(data));
        }
    }
}
