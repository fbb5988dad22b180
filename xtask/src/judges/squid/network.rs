//! A machine, a proxy and Azure, each in a network namespace of its own.
//!
//! ```text
//!  machine 10.1.0.10 ──private── 10.1.0.32/27   Azure: the lab on loopback, behind
//!          10.1.1.10 ──public─── everything     rules that lead each ordinary
//!          10.1.2.10 ──proxy──┐                 address to its listener
//!  squid   10.2.0.16 ─────────┘──wan─── public alone
//! ```
//!
//! Who is in the machine's network goes by real addresses, real DNS and the
//! real proxy's port; no map stands between. The namespaces belong to processes
//! that are ended with this value, and go with them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::check_deps::metadata;
use crate::command::done;
use crate::{debian, workspace};

/// The proxy of the built-in sample site.
pub(in crate::judges) const PROXY: &str = "10.2.0.16:8080";
/// Azure's own resolver.
pub(in crate::judges) const RESOLVER: &str = "168.63.129.16";
const LINKS: &str = include_str!("links.sh");

/// All three networks, until this is dropped.
pub(in crate::judges) struct Network {
    _lab: Running,
    machine: Namespace,
    proxy: Namespace,
    _azure: Namespace,
    access: Value,
    folder: TempDir,
}

impl Network {
    /// Makes them and carries the sample site through every step in the lab, so
    /// that its Azure knows all names of the endpoint; else why there are none.
    pub(in crate::judges) fn start(program: &Path) -> anyhow::Result<Result<Self, String>> {
        if let Err(reason) = install() {
            return Ok(Err(reason));
        }
        let folder = tempfile::tempdir()?;
        // Squid runs as a user of its own.
        done(Command::new("chmod").arg("755").arg(folder.path()))?;
        let [Some(machine), Some(azure), Some(proxy)] =
            [Namespace::new()?, Namespace::new()?, Namespace::new()?]
        else {
            return Ok(Err("this process may not make a network".to_owned()));
        };
        let site = folder.path().join("site.toml");
        done(
            Command::new(program)
                .args(["init", "--entra", "direct", "--quiet"])
                .arg(&site),
        )?;
        done(azure.inside("ip").args(["link", "set", "lo", "up"]))?;
        let connection = folder.path().join("lab.json");
        let lab = Running::lab(
            azure
                .inside(program)
                .args(["lab", "serve"])
                .arg(&site)
                .arg("--connection")
                .arg(&connection),
        )?;
        let access: Value = serde_json::from_str(&fs::read_to_string(&connection)?)?;
        done(
            azure
                .inside(program)
                .arg("run")
                .arg(&site)
                .arg("--lab")
                .arg(&connection)
                .arg("--yes"),
        )?;
        let (rules, addresses) = rules(&access)?;
        let processes = [&machine, &azure, &proxy].map(|one| one.0.id().to_string());
        done(
            Command::new("sh")
                .args(["-c", LINKS, "links"])
                .args(processes)
                .args(addresses),
        )?;
        let file = folder.path().join("rules.nft");
        fs::write(&file, rules)?;
        done(azure.inside("nft").arg("-f").arg(&file))?;
        fs::write(
            folder.path().join("authority.pem"),
            access["authority_pem"].as_str().unwrap_or_default(),
        )?;
        Ok(Ok(Self {
            _lab: lab,
            machine,
            proxy,
            _azure: azure,
            access,
            folder,
        }))
    }

    /// Where its files are.
    pub(in crate::judges) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The site that the lab was made for.
    pub(in crate::judges) fn site(&self) -> PathBuf {
        self.folder().join("site.toml")
    }

    /// The certificate authority of this Azure.
    pub(in crate::judges) fn authority(&self) -> PathBuf {
        self.folder().join("authority.pem")
    }

    /// A process in the machine's network.
    pub(in crate::judges) fn machine(&self) -> u32 {
        self.machine.0.id()
    }

    /// What a program there is told, with the authority's file where it finds it.
    pub(in crate::judges) fn environment(&self, authority: &str) -> [(&'static str, String); 4] {
        let credential = |name: &str| {
            let text = self.access["credentials"][name].as_str();
            text.unwrap_or_default().to_owned()
        };
        [
            ("AZURE_TENANT_ID", credential("tenant")),
            ("AZURE_CLIENT_ID", credential("client_id")),
            ("AZURE_CLIENT_SECRET", credential("secret")),
            ("SSL_CERT_FILE", authority.to_owned()),
        ]
    }

    /// What `work` gives, and the hosts that squid was asked for meanwhile, by its own
    /// log. Its last lines come when it ends, so there is a squid for each work.
    pub(in crate::judges) fn with_squid<T>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<(T, Vec<String>)> {
        let folder = self.folder().join("squid");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(&folder)?;
        let squid = squid(&self.proxy, &folder)?;
        let made = work()?;
        drop(squid);
        let log = fs::read_to_string(folder.join("access.log"))?;
        let targets = log
            .lines()
            .filter_map(|line| line.split_whitespace().nth(6));
        let host = |target: &str| {
            let host = target.rsplit_once(':').map_or(target, |(host, _)| host);
            host.to_owned()
        };
        Ok((made, targets.map(host).collect()))
    }
}

/// Sidestep for this computer, as it is now.
pub(in crate::judges) fn program() -> anyhow::Result<PathBuf> {
    done(
        Command::new(env!("CARGO"))
            .args(["build", "--release", "--locked", "--quiet"])
            .args(["--package", "sidestep-cli"])
            .current_dir(workspace()),
    )?;
    let target = &metadata(workspace())?["target_directory"];
    let target = target
        .as_str()
        .context("cargo metadata names no target directory")?;
    Ok(Path::new(target).join("release/sidestep"))
}

/// A process that keeps an empty network until this is dropped.
struct Namespace(Child);

impl Namespace {
    /// `None` where that is not allowed.
    fn new() -> anyhow::Result<Option<Self>> {
        let mut child = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo ready; exec sleep infinity"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("unshare")?;
        let mut said = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut said)?;
        }
        let namespace = Self(child);
        Ok((said.trim() == "ready").then_some(namespace))
    }

    /// A command in this network.
    fn inside(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.0.id().to_string(), "--net"])
            .arg(program)
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Nobody is left to tell if this fails.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A server that is interrupted when this is dropped, so that it puts its files in order.
struct Running(Child);

impl Running {
    fn lab(command: &mut Command) -> anyhow::Result<Self> {
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut running = Self(child);
        let stdout = running.0.stdout.take();
        wait_for(stdout, "Ctrl-C ends it").context("the lab did not start")?;
        Ok(running)
    }

    fn squid(command: &mut Command) -> anyhow::Result<Self> {
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut running = Self(child);
        let stderr = running.0.stderr.take();
        wait_for(stderr, "Accepting HTTP").context("squid did not start")?;
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nobody is left to tell if this fails.
        let process = self.0.id().to_string();
        drop(Command::new("kill").args(["-INT", &process]).output());
        drop(self.0.wait());
    }
}

/// Waits until a line holds `words`. What is said after that is read and
/// forgotten, because a server must not meet a closed pipe.
fn wait_for(said: Option<impl Read + Send + 'static>, words: &str) -> anyhow::Result<()> {
    let mut lines = BufReader::new(said.context("it says nothing")?).lines();
    let mut heard = Vec::new();
    while !heard
        .last()
        .is_some_and(|line: &String| line.contains(words))
    {
        let Some(line) = lines.next() else {
            bail!("{}", heard.join("; "));
        };
        heard.push(line?);
    }
    thread::spawn(move || lines.for_each(drop));
    Ok(())
}

fn install() -> Result<(), String> {
    const PROGRAMS: [(&str, &str, &str); 3] = [
        ("ip", "-V", "iproute2"),
        ("nft", "-v", "nftables"),
        ("squid", "-v", "squid"),
    ];
    let is_there = |program: &str, version: &str| {
        let output = Command::new(program).arg(version).output();
        output.is_ok_and(|output| output.status.success())
    };
    if !debian::is_root() {
        return Err("only root may make networks".to_owned());
    }
    for (program, version, package) in PROGRAMS {
        if !is_there(program, version) {
            debian::install(program, &[package], false)?;
        }
    }
    Ok(())
}

/// What leads each of Azure's addresses to its listener, and the addresses. The
/// private ones are to be reached by the private link alone, where the lab's
/// own proxy has no part.
fn rules(access: &Value) -> anyhow::Result<(String, Vec<String>)> {
    let pairs: Vec<(SocketAddrV4, SocketAddrV4)> =
        serde_json::from_value(access["addresses"].clone())?;
    let dns: SocketAddrV4 = serde_json::from_value(access["dns_server"].clone())?;
    let proxy: SocketAddrV4 = PROXY.parse()?;
    let mut addresses = BTreeSet::from([RESOLVER.to_owned()]);
    let [mut private, mut public] = [Vec::new(), Vec::new()];
    for (from, to) in pairs.into_iter().filter(|(from, _)| *from != proxy) {
        addresses.insert(from.ip().to_string());
        let way = format!(
            "{} . {} : {} . {}",
            from.ip(),
            from.port(),
            to.ip(),
            to.port()
        );
        if from.ip().is_private() {
            private.push(way);
        } else {
            public.push(way);
        }
    }
    let (private, public) = (private.join(", "), public.join(", "));
    let port = dns.port();
    let rules = format!(
        r#"table ip ways {{
  map private {{ type ipv4_addr . inet_service : ipv4_addr . inet_service; elements = {{ {private} }} }}
  map public {{ type ipv4_addr . inet_service : ipv4_addr . inet_service; elements = {{ {public} }} }}
  chain prerouting {{
    type nat hook prerouting priority dstnat
    ip daddr {RESOLVER} udp dport 53 dnat to 127.0.0.1:{port}
    iifname "private" dnat to ip daddr . tcp dport map @private
    iifname {{ "public", "wan" }} dnat to ip daddr . tcp dport map @public
  }}
}}
"#
    );
    Ok((rules, addresses.into_iter().collect()))
}

fn squid(proxy: &Namespace, folder: &Path) -> anyhow::Result<Running> {
    let shown = folder.display();
    let configuration = format!(
        "http_port {PROXY}\n\
         dns_nameservers {RESOLVER}\n\
         http_access allow all\n\
         cache deny all\n\
         shutdown_lifetime 0 seconds\n\
         visible_hostname proxy.test\n\
         access_log stdio:{shown}/access.log squid\n\
         cache_log {shown}/cache.log\n\
         pid_filename none\n\
         pinger_enable off\n\
         coredump_dir {shown}\n"
    );
    let file = folder.join("squid.conf");
    fs::write(&file, configuration)?;
    done(Command::new("chown").args(["-R", "proxy"]).arg(folder))?;
    Running::squid(
        proxy
            .inside("squid")
            .args(["-N", "-d", "1", "-f"])
            .arg(&file),
    )
}
