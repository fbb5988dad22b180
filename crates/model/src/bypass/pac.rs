//! A list as a proxy configuration script.

use super::{BypassList, Consumer, EntryForm, Pattern};

/// A script that answers as .NET Framework reads the list: `DIRECT` for what an
/// entry covers and for loopback, else `proxy` (`host:port`). `heading` becomes
/// its first comment, line by line.
///
/// The expressions are those that .NET itself makes of the entries
/// (`_WebProxyDataBuilder.cs`, microsoft/referencesource); the script uses none of
/// the functions that engines bring, and no language beyond ECMAScript 3, which
/// is what `WinHTTP` runs. `<local>` covers names without a dot; of the computer's
/// own domain and addresses a script knows nothing.
#[must_use]
pub fn pac(list: &BypassList, proxy: &str, heading: &str) -> String {
    debug_assert_eq!(
        list.consumer(),
        Consumer::DotnetFramework,
        "a script is .NET's reading"
    );
    let mut expressions = Vec::new();
    let mut local = false;
    for entry in list.entries() {
        match &entry.form {
            EntryForm::Pattern(pattern) => {
                expressions.push(format!("    /{}/i", expression(pattern)));
            }
            EntryForm::Local => local = true,
            EntryForm::MinusLoopback | EntryForm::Poison | EntryForm::Dead(_) => {}
        }
    }
    let heading: String = heading
        .lines()
        .flat_map(|line| ["// ", line, "\n"])
        .collect();
    let proxy: String = proxy
        .chars()
        .filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\'))
        .collect();
    let local = if local {
        "  if (host.charAt(0) !== \"[\" && !address.test(host) && host.indexOf(\".\") < 0) {\n    return \"DIRECT\";\n  }\n"
    } else {
        ""
    };
    format!(
        r#"{heading}function FindProxyForURL(url, host) {{
  var direct = [
{entries}
  ];
  var ports = {{ http: "80", https: "443", ws: "80", wss: "443", ftp: "21", gopher: "70" }};
  var address = /^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$/;
  var parts = /^([a-z][a-z0-9+.\-]*):\/\/(?:[^\/?#]*@)?(\[[^\]]*\]|[^:\/?#]*)(?::([0-9]*))?/i.exec(url);
  if (!parts) {{
    return "PROXY {proxy}";
  }}
  var scheme = parts[1].toLowerCase();
  host = parts[2].toLowerCase();
  if (host === "localhost" || host === "loopback" || host === "[::1]" ||
      (address.test(host) && host.indexOf("127.") === 0)) {{
    return "DIRECT";
  }}
{local}  var text = scheme + "://" + host;
  if (parts[3] && parts[3] !== ports[scheme]) {{
    text += ":" + parts[3];
  }}
  for (var i = 0; i < direct.length; i++) {{
    if (direct[i].test(text)) {{
      return "DIRECT";
    }}
  }}
  return "PROXY {proxy}";
}}
"#,
        entries = expressions.join(",\n"),
    )
}

/// What .NET makes of an entry, as an expression between slashes.
fn expression(pattern: &Pattern) -> String {
    let escaped: String = pattern
        .glob
        .chars()
        .fold(String::new(), |mut text, character| {
            match character {
                '*' => text.push_str(".*"),
                // Beyond ASCII, by number: nobody agrees on a script's encoding.
                character if !character.is_ascii() => {
                    let mut units = [0; 2];
                    for unit in character.encode_utf16(&mut units) {
                        text = format!("{text}\\u{unit:04x}");
                    }
                }
                character if character.is_ascii_alphanumeric() => text.push(character),
                character => text.extend(['\\', character]),
            }
            text
        });
    let scheme = if pattern.scheme.is_none() {
        r"(?:.*:\/\/)?"
    } else {
        ""
    };
    let port = if pattern.port.is_none() {
        "(?::[0-9]{1,5})?"
    } else {
        ""
    };
    format!("^{scheme}{escaped}{port}$")
}
