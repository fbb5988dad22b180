//! What Windows itself gives a program of the account that it runs as.

use std::ffi::c_void;
use std::io::{self, Read as _};
use std::mem::size_of;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{ptr, thread};

use sidestep_model::self_test::SettingsTold;
use sidestep_model::settings::Flags;
use windows_sys::Win32::Foundation::GlobalFree;
use windows_sys::Win32::Networking::WinHttp::{
    WINHTTP_CURRENT_USER_IE_PROXY_CONFIG, WinHttpGetIEProxyConfigForCurrentUser,
};
use windows_sys::Win32::Networking::WinInet::{
    INTERNET_OPTION_PER_CONNECTION_OPTION, INTERNET_PER_CONN_AUTOCONFIG_URL,
    INTERNET_PER_CONN_FLAGS, INTERNET_PER_CONN_OPTION_LISTW, INTERNET_PER_CONN_OPTIONW,
    INTERNET_PER_CONN_PROXY_BYPASS, INTERNET_PER_CONN_PROXY_SERVER, InternetQueryOptionW,
};
use windows_sys::core::BOOL;

use super::access;
use super::library::on_demand;
use super::registry::Place;

/// The SID of the account that this process runs as.
pub fn own_sid() -> io::Result<String> {
    access::own_sid()
}

/// What `WinHttpGetIEProxyConfigForCurrentUser` gives this process.
#[expect(unsafe_code, reason = "Windows' own functions")]
pub fn winhttp_settings() -> io::Result<SettingsTold> {
    type Give = unsafe extern "system" fn(*mut WINHTTP_CURRENT_USER_IE_PROXY_CONFIG) -> BOOL;
    let give = on_demand!("winhttp.dll", WinHttpGetIEProxyConfigForCurrentUser: Give)?;
    let mut given = WINHTTP_CURRENT_USER_IE_PROXY_CONFIG::default();
    // SAFETY: `given` is a place for what is given.
    if unsafe { give(&raw mut given) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: each is null, or a string that Windows allocated for this process
    // alone and that a NUL ends; none is used again.
    let [script, proxy, list] = unsafe {
        [
            taken(given.lpszAutoConfigUrl),
            taken(given.lpszProxy),
            taken(given.lpszProxyBypass),
        ]
    };
    Ok(SettingsTold {
        auto_detect: given.fAutoDetect != 0,
        script,
        proxy,
        list,
    })
}

/// What `InternetQueryOption` gives this process for its default connection.
#[expect(unsafe_code, reason = "Windows' own functions")]
pub fn wininet_settings() -> io::Result<SettingsTold> {
    type Query = unsafe extern "system" fn(*const c_void, u32, *mut c_void, *mut u32) -> BOOL;
    let query = on_demand!("wininet.dll", InternetQueryOptionW: Query)?;
    let mut options = [
        INTERNET_PER_CONN_FLAGS,
        INTERNET_PER_CONN_AUTOCONFIG_URL,
        INTERNET_PER_CONN_PROXY_SERVER,
        INTERNET_PER_CONN_PROXY_BYPASS,
    ]
    .map(|option| INTERNET_PER_CONN_OPTIONW {
        dwOption: option,
        ..INTERNET_PER_CONN_OPTIONW::default()
    });
    let mut size = size_of::<INTERNET_PER_CONN_OPTION_LISTW>();
    let mut list = INTERNET_PER_CONN_OPTION_LISTW {
        dwSize: u32::try_from(size).map_err(io::Error::other)?,
        dwOptionCount: u32::try_from(options.len()).map_err(io::Error::other)?,
        pOptions: options.as_mut_ptr(),
        ..INTERNET_PER_CONN_OPTION_LISTW::default()
    };
    // SAFETY: no handle means the account's own settings; `list` has `size` bytes
    // and points to as many options as it says, which outlive the call.
    let done = unsafe {
        query(
            ptr::null(),
            INTERNET_OPTION_PER_CONNECTION_OPTION,
            (&raw mut list).cast(),
            (&raw mut size).cast(),
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    let [flags, script, proxy, list] = options;
    // SAFETY: Windows wrote a number for the flags, and for each of the others
    // null or a string that it allocated for this process alone; none is used again.
    let (flags, script, proxy, list) = unsafe {
        (
            Flags(flags.Value.dwValue),
            taken(script.Value.pszValue),
            taken(proxy.Value.pszValue),
            taken(list.Value.pszValue),
        )
    };
    let on = |flag, text: String| if flags.has(flag) { text } else { String::new() };
    Ok(SettingsTold {
        auto_detect: flags.has(Flags::AUTO_DETECT),
        script: on(Flags::AUTO_CONFIG_URL, script),
        proxy: on(Flags::MANUAL_PROXY, proxy),
        list: on(Flags::MANUAL_PROXY, list),
    })
}

/// Text that Windows gave away, freed.
///
/// # Safety
///
/// `text` is null, or points to UTF-16 units that a NUL ends and that `GlobalAlloc`
/// made; nobody uses them afterwards.
#[expect(unsafe_code, reason = "a string without a length")]
unsafe fn taken(text: *mut u16) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller vouches for the NUL.
    let read = unsafe { access::wide_text(text) };
    // SAFETY: the caller vouches for the allocation, and that this is its only owner.
    unsafe { GlobalFree(text.cast()) };
    read
}

/// Where .NET Framework's default proxy sends each URL: `direct`, or the proxy's
/// URL. Asked by Windows PowerShell 5.1, which is a program of .NET Framework.
pub fn dotnet_routes(urls: &[String]) -> io::Result<Vec<String>> {
    /// A cold start of PowerShell on a small server takes many seconds.
    const DEADLINE: Duration = Duration::from_secs(90);
    let listed: Vec<String> = urls
        .iter()
        .map(|url| format!("'{}'", url.replace('\'', "''")))
        .collect();
    let script = format!(
        "$p = [System.Net.WebRequest]::DefaultWebProxy; \
         foreach ($u in @({})) {{ $x = [Uri]$u; \
         if ($p.IsBypassed($x)) {{ 'direct' }} else {{ $p.GetProxy($x).AbsoluteUri }} }}",
        listed.join(",")
    );
    let mut child = Command::new(powershell()?)
        .args(["-NoProfile", "-NonInteractive", "-Command", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let said = said(&mut child, DEADLINE);
    if said.is_err() {
        // Fails where it ended meanwhile.
        drop(child.kill());
    }
    child.wait()?;
    let said = said?;
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
}

fn said(child: &mut Child, deadline: Duration) -> io::Result<String> {
    let Some(mut stdout) = child.stdout.take() else {
        return Err(io::Error::other("it has no output"));
    };
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        let read = stdout.read_to_end(&mut text).map(|_| text);
        // Nobody listens any more after the deadline.
        drop(send.send(read));
    });
    let text = receive
        .recv_timeout(deadline)
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time"))??;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// By its place in Windows' own folder: what a path finds could be anything.
fn powershell() -> io::Result<PathBuf> {
    let windows = version_value("SystemRoot")
        .ok_or_else(|| io::Error::other("Windows does not say where its folder is"))?;
    Ok(PathBuf::from(windows).join(r"System32\WindowsPowerShell\v1.0\powershell.exe"))
}

/// Which Windows this is: its name and the number of its build.
#[must_use]
pub fn windows_version() -> Option<String> {
    let name = version_value("ProductName")?;
    let build = version_value("CurrentBuild").unwrap_or_default();
    let dotnet =
        Place::named(r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\NET Framework Setup\NDP\v4\Full");
    let dotnet = dotnet.value("Version").ok().flatten();
    let dotnet = dotnet.and_then(|version| version.text());
    let dotnet = dotnet.map_or_else(String::new, |version| format!(", .NET Framework {version}"));
    Some(format!("{name}, build {build}{dotnet}"))
}

fn version_value(name: &str) -> Option<String> {
    let key = Place::named(r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion");
    key.value(name).ok().flatten()?.text()
}
