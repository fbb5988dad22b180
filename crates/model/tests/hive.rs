//! Hives that another program wrote read as the text that they were filled from.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use sidestep_model::hive::{Condition, Hive, HiveError};
use sidestep_model::registry::RegistryFile;

fn data(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/hives");
    fs::read(folder.join(name)).unwrap()
}

#[test]
fn every_value_is_read_as_it_was_written() {
    for name in ["DEFAULT", "NTUSER.DAT", "SOFTWARE", "SYSTEM"] {
        let hive = Hive::parse(&data(name), &[]).unwrap();
        assert_eq!(hive.condition(), Condition::Complete);
        let text = RegistryFile::parse(&data(&format!("{name}.reg"))).unwrap();
        let mut values = 0;
        for key in text.keys() {
            let path = key.strip_prefix(r"HIVE\").unwrap();
            // Whatever the case.
            assert!(hive.has_key(&path.to_uppercase()).unwrap(), "{path}");
            let (above, last) = path.rsplit_once('\\').unwrap_or(("", path));
            let names = hive.keys(above).unwrap();
            assert!(names.iter().any(|name| name == last), "{last} in {above}");
            for (value, wanted) in text.values(key) {
                let read = hive.value(path, &value.to_lowercase()).unwrap();
                assert_eq!(read, Some(wanted), "{path}: {value}");
                values += 1;
            }
        }
        assert!(values > 2, "{name}");
    }
}

#[test]
fn what_is_not_there_is_none() {
    let hive = Hive::parse(&data("SYSTEM"), &[]).unwrap();
    assert_eq!(hive.value("Select", "None").unwrap(), None);
    assert_eq!(hive.value(r"Select\None", "Current").unwrap(), None);
    assert!(!hive.has_key("None").unwrap());
    assert_eq!(hive.keys("None").unwrap(), Vec::<String>::new());
}

#[test]
fn other_files_are_no_hives() {
    for bytes in [&b""[..], b"regf", b"Windows Registry Editor Version 5.00"] {
        assert_eq!(Hive::parse(bytes, &[]).err(), Some(HiveError::NotAHive));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A damaged hive is refused or read, and nothing else happens.
    #[test]
    fn damage_ends_in_an_error(
        damage in prop::collection::vec((0..12_288_usize, any::<u8>()), 1..40),
        length in 4_096..12_288_usize,
    ) {
        let mut bytes = data("SYSTEM");
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        bytes.truncate(length);
        if let Ok(hive) = Hive::parse(&bytes, &[bytes.clone()]) {
            let services = r"ControlSet001\Services";
            for service in hive.keys(services).unwrap_or_default() {
                drop(hive.value(&format!(r"{services}\{service}"), "ImagePath"));
            }
        }
    }
}
