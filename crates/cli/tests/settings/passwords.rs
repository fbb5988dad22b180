//! No password is in any file that Sidestep writes.

use std::fs;

use sidestep_machine::{RegFileStore, Store};
use sidestep_model::blob::{ConnectionSettings, Tail};
use sidestep_model::observed::ValueName;
use sidestep_model::settings::ProxySettings;
use snapbox::cmd::{Command, cargo_bin};

use crate::desk::{APPLY, desk, export, sidestep};

#[test]
fn a_password_in_a_value_of_an_odd_type_is_in_no_file() {
    let desk = desk();
    let folder = desk.path();
    let secret = "joe:geheim@10.2.0.16:8080";
    let wide: Vec<String> = secret
        .encode_utf16()
        .map(|unit| format!("{:02x},{:02x}", unit & 0xff, unit >> 8))
        .collect();
    let narrow: Vec<String> = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    for data in [
        format!("hex(1):{}", wide.join(",")),
        format!("hex(7):{},00,00,00,00", wide.join(",")),
        format!("hex:{}", wide.join(",")),
        format!("hex:{}", narrow.join(",")),
    ] {
        let odd = export().replace("\"joe:geheim@10.2.0.16:8080\"", &data);
        fs::write(folder.join("server.reg"), &odd).unwrap();
        for name in ["clear", "plan"] {
            let clear = ["--clear-auto-detect"];
            let more: &[&str] = if name == "clear" { &clear } else { &[] };
            let apply = [&APPLY[..], more, &["--json", "--transcript"]].concat();
            let output = Command::new(cargo_bin!("sidestep"))
                .args(&apply)
                .current_dir(folder)
                .output()
                .unwrap();
            let mut shown = vec![output.stdout, output.stderr];
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "log") {
                    shown.push(fs::read(&path).unwrap());
                    fs::remove_file(&path).unwrap();
                }
            }
            for bytes in shown {
                let shown = String::from_utf8_lossy(&bytes);
                let decimal = secret.encode_utf16().map(|unit| format!("{unit} 0"));
                for hidden in [
                    "geheim".to_owned(),
                    "67656865696d".to_owned(),
                    "670065006800650069006d00".to_owned(),
                    decimal.skip(4).take(6).collect::<Vec<_>>().join(" "),
                ] {
                    assert!(!shown.contains(&hidden), "{data}: {shown}");
                }
            }
        }
    }
    assert!(!folder.join("server.reg.sidestep").exists());
}

/// A foreign version's blob, with a password where nobody knows the layout.
#[test]
fn a_password_behind_the_strings_is_in_no_file_and_stays() {
    let desk = desk();
    let folder = desk.path();
    let settings = ProxySettings::manual("10.2.0.16:8080", "wsus");
    let blob = ConnectionSettings {
        version: 0x50,
        tail: Tail::Opaque(b"joe:geheim@10.2.0.16".to_vec()),
        ..ConnectionSettings::new(&settings)
    };
    let bytes: Vec<String> = blob
        .encode()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let export = export().replace("joe:geheim@", "")
        + r"[HKEY_USERS\S-1-5-18\Software\Microsoft\Windows\CurrentVersion\Internet Settings\Connections]"
        + &format!(
            "\n\"DefaultConnectionSettings\"=hex:{}\n\n",
            bytes.join(",")
        );
    fs::write(folder.join("server.reg"), &export).unwrap();
    let plan = sidestep(folder, &[&["plan"], &APPLY[1..], &["--json"]].concat());
    fs::write(folder.join("plan.json"), &plan.code(0).get_output().stdout).unwrap();
    sidestep(folder, &["apply", "plan.json", "--transcript"]).code(0);
    let read = || {
        RegFileStore::new(&folder.join("server.reg"))
            .read()
            .unwrap()
    };
    let stored = || {
        let blob = read().system.blob(ValueName::DefaultConnectionSettings);
        blob.unwrap().unwrap()
    };
    assert_eq!(stored().tail, blob.tail);
    assert_ne!(stored().proxy_bypass, blob.proxy_bypass);
    sidestep(folder, &["undo", "--at", "server.reg"]).code(0);
    let counter = stored().counter;
    assert_eq!(stored(), ConnectionSettings { counter, ..blob });

    let journals = fs::read_dir(folder.join("server.reg.sidestep")).unwrap();
    let files = journals.chain(fs::read_dir(folder).unwrap());
    let paths = files.map(|entry| entry.unwrap().path());
    for path in paths.filter(|path| path.is_file() && !path.ends_with("server.reg")) {
        let written = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        for hidden in ["geheim", "67656865696d", "103 101 104 101 105 109"] {
            assert!(!written.contains(hidden), "{}", path.display());
        }
    }
}
