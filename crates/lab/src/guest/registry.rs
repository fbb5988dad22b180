//! The guest's own reader of its registry: written apart from everything that writes it.

use std::collections::HashMap;
use std::path::Path;

/// A value, as far as proxy settings need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Number(u32),
    Bytes(Vec<u8>),
    Other,
}

/// Key and name, in lower case, to value.
#[derive(Debug, Default)]
pub(super) struct Registry(HashMap<(String, String), Value>);

impl Registry {
    pub(super) async fn read(path: &Path) -> Self {
        let bytes = tokio::fs::read(path).await.unwrap_or_default();
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        Self::parse(&String::from_utf16_lossy(&units))
    }

    pub(super) fn value(&self, key: &str, name: &str) -> Option<&Value> {
        self.0.get(&(key.to_lowercase(), name.to_lowercase()))
    }

    fn parse(text: &str) -> Self {
        let joined = text.replace("\r\n", "\n").replace("\\\n", "");
        let mut values = HashMap::new();
        let mut key = String::new();
        for line in joined.lines().map(str::trim) {
            if let Some(header) = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                key = header.to_lowercase();
            } else if let Some((name, data)) =
                line.strip_prefix('"').and_then(|l| l.split_once("\"="))
            {
                values.insert((key.clone(), name.to_lowercase()), value(data));
            }
        }
        Self(values)
    }
}

fn value(data: &str) -> Value {
    if let Some(digits) = data.strip_prefix("dword:") {
        return u32::from_str_radix(digits.trim(), 16).map_or(Value::Other, Value::Number);
    }
    let Some(hex) = data.strip_prefix("hex:") else {
        return Value::Other;
    };
    let bytes: Result<Vec<u8>, _> = hex
        .split(',')
        .map(|pair| u8::from_str_radix(pair.trim(), 16))
        .collect();
    bytes.map_or(Value::Other, Value::Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_registry_editor_writes() {
        let text = "\u{feff}Windows Registry Editor Version 5.00\r\n\r\n[HKEY_USERS\\S-1-5-18\\A]\r\n\
                    \"N\"=dword:0000000a\r\n\"B\"=hex:01,02,\\\r\n  ff\r\n\"T\"=\"x\"\r\n";
        let registry = Registry::parse(text);
        let value = |name| registry.value(r"hkey_users\s-1-5-18\a", name);
        assert_eq!(value("n"), Some(&Value::Number(10)));
        assert_eq!(value("b"), Some(&Value::Bytes(vec![1, 2, 255])));
        assert_eq!(value("t"), Some(&Value::Other));
        assert_eq!(value("z"), None);
    }
}
