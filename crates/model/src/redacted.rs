//! Registry data fit to be written down: without anybody's password.
//!
//! A `ProxyServer` string, a script's address and the blobs can hold
//! `user:password@`. Sidestep never changes credentials, so a plan or journal
//! need not know them: they are cut out, and what is on the machine is put in
//! their place when the data is used.

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
        Self(
            each_address(name, data, &mut |text| Some(cut_credentials(text).0))
                .unwrap_or_else(|| data.clone()),
        )
    }

    /// The data with the credentials that `here`, the account that it belongs
    /// to, holds now; `None` where it lacks some that fit.
    #[must_use]
    pub fn filled(&self, name: ValueName, here: &ObservedAccount) -> Option<RegistryData> {
        let holes = credentials(name, &self.0).len();
        if holes == 0 {
            return Some(self.0.clone());
        }
        // The value's own come first: two values may hold different ones.
        let own = here.values.get_key_value(&name).into_iter();
        let mut known = own
            .chain(&here.values)
            .map(|(name, data)| credentials(*name, data))
            .filter(|known| known.len() == holes);
        let mut left = known.next()?.into_iter();
        each_address(name, &self.0, &mut |text| {
            let count = cut_credentials(text).1.len();
            insert_credentials(text, &left.by_ref().take(count).collect::<Vec<_>>())
        })
    }

    /// The data, with `***` where credentials were.
    #[must_use]
    pub fn data(&self) -> &RegistryData {
        &self.0
    }
}

/// The credentials that a value's data holds, in order.
#[must_use]
pub(crate) fn credentials(name: ValueName, data: &RegistryData) -> Vec<String> {
    let mut found = Vec::new();
    each_address(name, data, &mut |text| {
        found.extend(cut_credentials(text).1);
        Some(text.to_owned())
    });
    // Data that is not what its type promises cannot be taken apart.
    if let (RegistryData::Other { .. }, Some(text)) = (data, data.text())
        && holds_an_address(name)
    {
        found.extend(cut_credentials(&text).1);
    }
    found
}

fn holds_an_address(name: ValueName) -> bool {
    matches!(name, ValueName::ProxyServer | ValueName::AutoConfigUrl)
}

/// The data with `edit` applied to each string that can hold credentials;
/// `None` where `edit` gives up on one.
fn each_address(
    name: ValueName,
    data: &RegistryData,
    edit: &mut dyn FnMut(&str) -> Option<String>,
) -> Option<RegistryData> {
    Some(match data {
        RegistryData::Text(text) if holds_an_address(name) => {
            RegistryData::Text(edited(text, edit)?)
        }
        RegistryData::ExpandText(text) if holds_an_address(name) => {
            RegistryData::ExpandText(edited(text, edit)?)
        }
        RegistryData::Binary(bytes) => match ConnectionSettings::decode(bytes) {
            Ok(mut blob) => {
                let mut edit_blob_text = |text: &mut BlobText| {
                    *text = text.edited(&mut *edit)?;
                    Some(())
                };
                edit_blob_text(&mut blob.proxy_server)?;
                edit_blob_text(&mut blob.auto_config_url)?;
                if let Tail::Whole(cache) = &mut blob.tail {
                    edit_blob_text(&mut cache.last_detect_url)?;
                    edit_blob_text(&mut cache.secondary_auto_config_url)?;
                }
                RegistryData::Binary(blob.encode())
            }
            Err(_) => data.clone(),
        },
        _ => data.clone(),
    })
}

/// Text is edited as its bytes, as in a blob, so that both hold the same credentials.
fn edited(text: &str, edit: &mut dyn FnMut(&str) -> Option<String>) -> Option<String> {
    let bytes = BlobText::from(text).edited(edit)?.as_bytes().to_vec();
    String::from_utf8(bytes).ok()
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
                RegistryData::Binary(vec![0x46, 0, 0]),
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
