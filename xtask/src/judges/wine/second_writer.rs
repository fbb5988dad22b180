//! Another writer of the same values: what Wine's `InternetSetOption` writes is
//! read field by field, and where it differs from what Sidestep writes for the
//! same settings, the difference is expected by name and for a reason.

use std::collections::BTreeSet;

use anyhow::Context as _;
use serde_json::{Value, json};
use sidestep_model::account::Account;
use sidestep_model::blob::{self, Blob, ConnectionSettings};
use sidestep_model::settings::{Flags, ProxySettings};

use super::Tally;
use super::claims::prepare;
use super::desk::{Desk, settings_key};

const BLOB: &str = "DefaultConnectionSettings";

/// The fields in which Wine's writer differs from Sidestep's, and why.
const DIFFERENCES: [(&str, &str); 4] = [
    (
        "counter",
        "Wine leaves it at nought; Windows, and Sidestep, count changes from one",
    ),
    (
        "flags",
        "Wine writes what it is told; Sidestep always sets 0x01, without which Internet \
         Explorer was seen to ignore the value",
    ),
    (
        "trailing_hex",
        "Wine ends with eight bytes more than Windows' layout has, all nought",
    ),
    (
        "complete",
        "it is not where bytes remain, and that is what it says",
    ),
];

struct Asked {
    flags: u32,
    proxy: &'static str,
    list: &'static str,
    script: &'static str,
}

const ASKED: [Asked; 5] = [
    Asked {
        flags: 0b0011,
        proxy: "old-proxy.corp.example:8080",
        list: "intranet.corp.example;<local>",
        script: "",
    },
    // Without the flag that Sidestep always sets.
    Asked {
        flags: 0b0010,
        proxy: "http=10.2.0.16:8080;https=10.2.0.16:8443",
        list: "*.corp.example;10.*;<local>",
        script: "",
    },
    // A proxy that is switched off.
    Asked {
        flags: 0b0001,
        proxy: "10.2.0.16:8080",
        list: "",
        script: "",
    },
    Asked {
        flags: 0b0101,
        proxy: "",
        list: "",
        script: "http://wpad.corp.example/proxy.pac",
    },
    Asked {
        flags: 0b1111,
        proxy: "10.2.0.16:8080",
        list: "<local>",
        script: "http://wpad.corp.example/proxy.pac",
    },
];

pub(super) fn second_writer(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    let mut named = BTreeSet::new();
    for asked in &ASKED {
        prepare(desk)?;
        write(desk, asked)?;
        let hex = stored(desk)?;
        let (exit, read) = desk.document(&["decode", "--at", "live", "--account", "system"])?;
        let (of_hex_exit, of_hex) = desk.document(&["decode", &hex])?;
        tally.see(
            exit == Some(0) && of_hex_exit == exit && of_hex == read,
            || format!("decode of what `reg query` says is another: {of_hex}, {read}"),
        );
        for (field, value) in told(asked) {
            tally.see(read[field] == value, || {
                format!("{field} is {}, and {value} was asked for", read[field])
            });
        }
        let ours = ConnectionSettings::new(&settings(asked));
        let ours_read = serde_json::to_value(blob::describe(&Blob::Connection(ours.clone())))?;
        for (field, value) in ours_read.as_object().context("no fields")? {
            let is_expected = DIFFERENCES.iter().any(|(known, _)| known == field);
            if read[field] != *value {
                named.insert(field.clone());
            }
            tally.see(read[field] == *value || is_expected, || {
                format!("{field} is {}, and Sidestep writes {value}", read[field])
            });
        }
        // With these differences put right, the bytes are the same.
        let mut mended = ConnectionSettings::decode(&blob::parse_hex(&hex)?)?;
        mended.counter = ours.counter;
        mended.flags = mended.flags.with(Flags::DIRECT);
        let mended = mended.encode();
        let is_same = mended.strip_suffix(&[0; 8]) == Some(&ours.encode());
        tally.see(is_same, || format!("other bytes than Sidestep's: {hex}"));
    }
    for (field, why) in DIFFERENCES {
        tally.see(named.contains(field), || {
            format!("{field} no longer differs, though it did: {why}")
        });
    }
    tally.end(&format!(
        "what Wine's InternetSetOption writes is read field by field; it differs from what \
         Sidestep writes in {}, as expected",
        DIFFERENCES.map(|(field, _)| field).join(", ")
    ))?;
    for (field, why) in DIFFERENCES {
        tally.remark(field, why)?;
    }
    read_by_show(desk, tally)
}

/// The blob and the plain values, as the readers take them.
fn read_by_show(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    let [asked, ..] = &ASKED;
    prepare(desk)?;
    write(desk, asked)?;
    let (_, document) = desk.document(&["show", "--at", "live", "--account", "system"])?;
    let readers = document["accounts"][0]["readers"]
        .as_array()
        .context("no readers")?;
    for reader in ["dotnet-framework", "plain-values"] {
        let seen = readers.iter().find(|one| one["reader"] == reader);
        let settings = seen.map_or(&Value::Null, |seen| &seen["settings"]);
        let is_right = settings["proxy_server"] == asked.proxy
            && settings["proxy_override"] == asked.list
            && settings["manual_proxy"] == true;
        tally.see(is_right, || format!("{reader}: {document}"));
    }
    tally.end("what it wrote is shown, as the services and as others read it")
}

/// What was asked for, by the names of `decode`'s fields.
fn told(asked: &Asked) -> [(&'static str, Value); 5] {
    [
        ("kind", json!("connection")),
        ("flags", json!(asked.flags)),
        ("proxy_server", json!(asked.proxy)),
        ("proxy_bypass", json!(asked.list)),
        ("auto_config_url", json!(asked.script)),
    ]
}

fn settings(asked: &Asked) -> ProxySettings {
    ProxySettings {
        flags: Flags(asked.flags),
        proxy_server: asked.proxy.to_owned(),
        proxy_override: asked.list.to_owned(),
        auto_config_url: asked.script.to_owned(),
    }
}

/// Has Wine's `WinINet` write it as `LocalSystem`'s.
fn write(desk: &Desk, asked: &Asked) -> anyhow::Result<()> {
    // Whole, so that nothing of an earlier value is kept.
    let connections = format!(r"{}\Connections", settings_key(Account::System));
    desk.wine.done(&["reg", "delete", &connections, "/f"])?;
    desk.link(Account::System)?;
    let flags = asked.flags.to_string();
    desk.wine.done(&[
        "/judge/setoption.exe",
        asked.proxy,
        asked.list,
        &flags,
        asked.script,
    ])?;
    desk.unlink()
}

/// The blob, as Wine's `reg query` prints it.
fn stored(desk: &Desk) -> anyhow::Result<String> {
    let values = desk.values(Account::System)?;
    let printed = values
        .get(&format!(r"Connections\{BLOB}"))
        .and_then(|data| data.strip_prefix("REG_BINARY    "))
        .context("Wine wrote no blob")?;
    Ok(printed.to_owned())
}
