//! What is found on a machine whose accounts send everything by the proxy, as
//! `reg export HKEY_USERS` writes it.

/// The accounts of Azure Backup's services for SQL Server. The second is the
/// one that the article looks for by hand.
const ACCOUNTS: [&str; 2] = [
    "S-1-5-18",
    "S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151",
];

pub(super) fn as_found(proxy: &str) -> Vec<u8> {
    let accounts = ACCOUNTS.map(|account| {
        let settings = format!(
            r"HKEY_USERS\{account}\Software\Microsoft\Windows\CurrentVersion\Internet Settings"
        );
        let blob = blob(proxy);
        format!(
            "\r\n[{settings}]\r\n\"ProxyEnable\"=dword:00000001\r\n\"ProxyServer\"=\"{proxy}\"\r\n\
             \r\n[{settings}\\Connections]\r\n\"DefaultConnectionSettings\"=hex:{blob}\r\n\
             \"SavedLegacySettings\"=hex:{blob}\r\n"
        )
    });
    let text = format!(
        "Windows Registry Editor Version 5.00\r\n{}",
        accounts.concat()
    );
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

/// Version 70, a counter, manual proxy, the proxy, no list, no script, 32 zero bytes.
fn blob(proxy: &str) -> String {
    let number = |number: usize| u32::try_from(number).unwrap_or_default().to_le_bytes();
    let bytes = [
        &number(70)[..],
        &number(2),
        &number(3),
        &number(proxy.len()),
        proxy.as_bytes(),
        &[0; 8 + 32],
    ];
    let hex: Vec<String> = bytes
        .concat()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    hex.join(",")
}
