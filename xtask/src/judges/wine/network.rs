//! A web server and squid, and which of the two ways a request came.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use anyhow::{Context as _, bail, ensure};

use super::chroot::Wine;

/// By which way a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Direct,
    Proxy,
}

/// What the web server saw: by path and host, the way.
type Seen = Arc<Mutex<BTreeMap<String, Way>>>;

/// Both servers, until this is dropped.
pub(super) struct Network {
    pub(super) web: u16,
    pub(super) proxy: u16,
    seen: Seen,
    squid: Child,
}

impl Network {
    /// Starts both; squid leads every request to the web server.
    pub(super) fn start(wine: &Wine) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let web = listener.local_addr()?.port();
        let seen = Seen::default();
        let seen_there = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&seen_there);
                thread::spawn(move || answer(&stream, &seen));
            }
        });
        let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        let squid = squid(wine, web, proxy)?;
        Ok(Self {
            web,
            proxy,
            seen,
            squid,
        })
    }

    /// By which way the request for `path` at `host` came, if it came.
    pub(super) fn way(&self, host: &str, path: &str) -> Option<Way> {
        let seen = self.seen.lock().ok()?;
        seen.get(&format!("{host}:{}/{path}", self.web)).copied()
    }

    /// The URLs in squid's own log, after it ended.
    pub(super) fn logged(mut self, wine: &Wine) -> anyhow::Result<Vec<String>> {
        drop(self.squid.kill());
        self.squid.wait()?;
        let log = fs::read_to_string(log_file(wine))?;
        let urls = log
            .lines()
            .filter_map(|line| line.split_whitespace().nth(6));
        Ok(urls.map(str::to_owned).collect())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Nobody is left to tell if this fails.
        drop(self.squid.kill());
        drop(self.squid.wait());
    }
}

fn log_file(wine: &Wine) -> std::path::PathBuf {
    wine.folder().join("squid/access.log")
}

fn squid(wine: &Wine, web: u16, proxy: u16) -> anyhow::Result<Child> {
    let folder = wine.folder().join("squid");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let configuration = format!(
        "http_port 127.0.0.1:{proxy}\n\
         cache_peer 127.0.0.1 parent {web} 0 no-query no-digest originserver\n\
         never_direct allow all\n\
         http_access allow all\n\
         cache deny all\n\
         visible_hostname proxy.test\n\
         access_log stdio:/judge/squid/access.log squid\n\
         cache_log /judge/squid/cache.log\n\
         pid_filename none\n\
         pinger_enable off\n\
         coredump_dir /judge/squid\n"
    );
    fs::write(folder.join("squid.conf"), configuration)?;
    let owned = wine
        .inside(["chown", "-R", "proxy", "/judge/squid"])
        .status()?;
    ensure!(owned.success(), "chown: {owned}");
    let mut squid = wine
        .inside(["squid", "-N", "-d", "1", "-f", "/judge/squid/squid.conf"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let stderr = squid.stderr.take().context("squid has no stderr")?;
    let mut lines = BufReader::new(stderr).lines();
    let mut said = Vec::new();
    let is_ready = |line: &str| line.contains("Accepting HTTP");
    while !said.last().is_some_and(|line: &String| is_ready(line)) {
        let Some(line) = lines.next() else {
            bail!("squid did not start: {}", said.join("; "));
        };
        said.push(line?);
    }
    // It must not meet a closed pipe.
    thread::spawn(move || lines.for_each(drop));
    Ok(squid)
}

/// Answers one request. Squid names itself in `Via`.
fn answer(mut stream: &TcpStream, seen: &Seen) {
    let mut path = String::new();
    let mut host = String::new();
    let mut way = Way::Direct;
    let mut reader = BufReader::new(stream).take(64 * 1024);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
        let lower = line.trim().to_ascii_lowercase();
        if let Some(request) = lower.strip_prefix("get ") {
            let target = request.split(' ').next().unwrap_or_default();
            target
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .clone_into(&mut path);
        } else if let Some(value) = lower.strip_prefix("host:") {
            value.trim().clone_into(&mut host);
        } else if lower.starts_with("via:") {
            way = Way::Proxy;
        }
        line.clear();
    }
    if let Ok(mut seen) = seen.lock() {
        seen.insert(format!("{host}/{path}"), way);
    }
    let body = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    // Whoever went away needs no answer.
    drop(stream.write_all(body));
}

/// How many lines a file has; none where it is not there.
pub(super) fn lines_of(path: &Path) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}
