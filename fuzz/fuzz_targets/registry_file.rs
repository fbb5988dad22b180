//! Registry exports: the input is a few edits and the export that they change.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sidestep_model::registry::{RegistryData, RegistryFile};

/// The export comes last, so that it takes all bytes that the edits leave.
#[derive(Arbitrary, Debug)]
struct Case<'a> {
    edits: Vec<Edit>,
    export: &'a [u8],
}

/// A change at a place that is chosen among those that the export has and a few
/// that it most likely has not.
#[derive(Arbitrary, Debug)]
struct Edit {
    key: u8,
    name: u8,
    change: Change,
}

#[derive(Arbitrary, Debug)]
enum Change {
    SetText(Vec<char>),
    SetRaw(u8, Vec<u8>),
    RemoveValue,
    RemoveKey,
}

fuzz_target!(|case: Case<'_>| {
    let Ok(mut file) = RegistryFile::parse(case.export) else {
        return;
    };
    assert_eq!(file.to_bytes(), case.export);
    for edit in case.edits {
        edit.make(&mut file);
        let written = file.to_bytes();
        let read = RegistryFile::parse(&written).expect("our own file");
        assert_eq!(read.to_bytes(), written);
        assert_eq!(Contents::of(&read), Contents::of(&file));
    }
});

impl Edit {
    fn make(self, file: &mut RegistryFile) {
        let contents = Contents::of(file);
        let mut keys = contents.keys;
        keys.extend(keys.first().map(|key| format!(r"{key}\below")));
        keys.push(r"HKEY_USERS\new".to_owned());
        let key = &keys[usize::from(self.key) % keys.len()];
        let mut names: Vec<&str> = ["", "new", r#"a "new\" name"#].to_vec();
        let of_key = contents.values.iter().filter(|value| value.key == *key);
        names.extend(of_key.map(|value| value.name.as_str()));
        let name = names[usize::from(self.name) % names.len()];
        match self.change {
            Change::SetText(text) => {
                let data = RegistryData::Text(text.into_iter().collect());
                set(file, key, name, &data);
            }
            Change::SetRaw(kind, bytes) => {
                let data = RegistryData::from_raw(kind.into(), bytes);
                set(file, key, name, &data);
            }
            Change::RemoveValue => remove_value(file, key, name),
            Change::RemoveKey => remove_key(file, key),
        }
    }
}

fn set(file: &mut RegistryFile, key: &str, name: &str, data: &RegistryData) {
    let (before, bytes_before) = (Contents::of(file), file.to_bytes());
    let (had_key, old) = (file.has_key(key), file.value(key, name));
    file.set(key, name, data);
    assert_eq!(file.value(key, name).as_ref(), Some(data));
    if old.as_ref() == Some(data) {
        assert_eq!(file.to_bytes(), bytes_before);
    } else {
        let after = Contents::of(file);
        assert_eq!(before.data_not_in(&after), Vec::from_iter(old.as_ref()));
        assert_eq!(after.data_not_in(&before), [data]);
        assert_eq!(before.keys, after.keys[..before.keys.len()]);
        assert_eq!(after.keys.len() - before.keys.len(), usize::from(!had_key));
    }
}

fn remove_value(file: &mut RegistryFile, key: &str, name: &str) {
    let before = Contents::of(file);
    let old = file.value(key, name);
    assert_eq!(file.remove_value(key, name), old.is_some());
    assert_eq!(file.value(key, name), None);
    let after = Contents::of(file);
    assert_eq!(before.data_not_in(&after), Vec::from_iter(old.as_ref()));
    assert!(after.data_not_in(&before).is_empty());
    assert_eq!(before.keys, after.keys);
}

fn remove_key(file: &mut RegistryFile, key: &str) {
    let mut before = Contents::of(file);
    let is_empty = !file.has_key_below(key) && file.values(key).next().is_none();
    let goes = file.has_key(key) && is_empty;
    assert_eq!(file.remove_key(key), goes);
    if goes {
        assert!(!file.has_key(key));
        let count = before.keys.len();
        before.keys.retain(|kept| file.has_key(kept));
        assert_eq!(before.keys.len(), count - 1);
    }
    assert_eq!(Contents::of(file), before);
}

/// What a file says.
#[derive(Debug, PartialEq)]
struct Contents {
    keys: Vec<String>,
    values: Vec<Value>,
}

#[derive(Debug, PartialEq)]
struct Value {
    key: String,
    name: String,
    data: RegistryData,
}

impl Contents {
    fn of(file: &RegistryFile) -> Self {
        let keys: Vec<String> = file.keys().map(str::to_owned).collect();
        let mut values = Vec::new();
        for key in &keys {
            assert!(file.has_key(key));
            for (name, data) in file.values(key) {
                assert_eq!(file.value(key, name).as_ref(), Some(&data));
                values.push(Value {
                    key: key.clone(),
                    name: name.to_owned(),
                    data,
                });
            }
        }
        Self { keys, values }
    }

    fn data_not_in(&self, other: &Self) -> Vec<&RegistryData> {
        let lacks = |value: &&Value| !other.values.contains(value);
        self.values
            .iter()
            .filter(lacks)
            .map(|value| &value.data)
            .collect()
    }
}
