//! Node's engine, which runs the script that is generated from a list.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use sidestep_model::bypass::{BypassList, Consumer, HostContext, join, pac};
use sidestep_model::catalogue::{Catalogue, Cloud, article_2022_10};
use sidestep_model::destination::Destination;
use sidestep_model::route::{Route, route};
use sidestep_model::settings::ProxySettings;

use super::Verdict;

const PROXY: &str = "proxy.example:8080";
/// How many URLs each list is asked about, besides those that it suggests.
const RANDOM: usize = 1_500;
const SHOWN: usize = 20;

/// Reads a script and URLs, an array each, and writes the answers.
const DRIVER: &str = r#"
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
const answers = cases.map(({ script, urls }) => {
  const find = new Function(script + "; return FindProxyForURL;")();
  return urls.map((url) => find(url, new URL(url).hostname));
});
process.stdout.write(JSON.stringify(answers));
"#;

pub(super) fn judge(out: &mut dyn Write) -> anyhow::Result<Verdict> {
    let version = Command::new("node").arg("--version").output();
    let Some(version) = version.ok().filter(|output| output.status.success()) else {
        return Ok(Verdict::NotJudged(
            "node is not here (Debian: nodejs)".to_owned(),
        ));
    };
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let lists = lists();
    let asked: Vec<Vec<String>> = lists.iter().map(|list| urls(list)).collect();
    let cases: Vec<serde_json::Value> = lists
        .iter()
        .zip(&asked)
        .map(|(list, urls)| {
            let parsed = BypassList::parse(list, Consumer::DotnetFramework);
            serde_json::json!({ "script": pac(&parsed, PROXY, "judged"), "urls": urls })
        })
        .collect();
    let answers = run(&serde_json::to_vec(&cases)?)?;
    let (mut count, mut direct, mut disagreements) = (0, 0, 0);
    for ((list, urls), answers) in lists.iter().zip(&asked).zip(&answers) {
        let settings = ProxySettings::manual(PROXY, list);
        for (url, answer) in urls.iter().zip(answers) {
            let ours = ours(url, &settings)?;
            count += 1;
            direct += usize::from(ours == "DIRECT");
            if ours != *answer {
                if disagreements < SHOWN {
                    writeln!(
                        out,
                        "  list `{list}` url `{url}`: script {answer}, route {ours}"
                    )?;
                }
                disagreements += 1;
            }
        }
    }
    let tried = format!(
        "node {version}, {} scripts, {count} URLs, {direct} of them direct",
        lists.len()
    );
    Ok(match disagreements {
        0 => Verdict::Agrees(tried),
        some => Verdict::Disagrees(format!("{some} of {tried}")),
    })
}

fn ours(url: &str, settings: &ProxySettings) -> anyhow::Result<String> {
    let destination = Destination::parse(url).with_context(|| format!("`{url}` is no URL"))?;
    // A script knows nothing of the computer's own domain.
    let host = HostContext {
        dns_suffix: "domain.invalid".to_owned(),
        own_addresses: Vec::new(),
    };
    let taken = route(&destination, settings, Consumer::DotnetFramework, &host);
    Ok(match taken.route {
        Route::Direct => "DIRECT".to_owned(),
        _ => format!("PROXY {PROXY}"),
    })
}

fn run(input: &[u8]) -> anyhow::Result<Vec<Vec<String>>> {
    let mut node = Command::new("node")
        .args(["-e", DRIVER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("node does not start")?;
    // It reads everything before it writes anything.
    let mut stdin = node.stdin.take().context("node has no standard input")?;
    stdin.write_all(input)?;
    drop(stdin);
    let output = node.wait_with_output()?;
    anyhow::ensure!(output.status.success(), "node ends with {}", output.status);
    serde_json::from_slice(&output.stdout).context("node's answer is no JSON")
}

fn lists() -> Vec<String> {
    let mut lists = vec![
        join(article_2022_10()),
        "<local>;*.corp.example;10.*;https://s.example;p.example:8443;*:8443;h*.x;[2001:db8::1]"
            .to_owned(),
        "*s*;a?b.example;a.example/;b.example c.example;<-loopback>;.d.example".to_owned(),
        String::new(),
    ];
    for cloud in Cloud::ALL {
        let names = Catalogue::of(*cloud).known_names();
        lists.push(join(names.chain(["<local>"])));
    }
    lists
}

/// URLs that the entries suggest, and made-up ones; the same every time.
fn urls(list: &str) -> Vec<String> {
    let parsed = BypassList::parse(list, Consumer::Wininet);
    let mut hosts: Vec<String> = parsed
        .entries()
        .iter()
        .flat_map(|entry| {
            let host = entry
                .text
                .split_once("://")
                .map_or(entry.text.as_str(), |(_, host)| host);
            ["", "a", "a.b", "7"].map(|fill| host.replace('*', fill))
        })
        .collect();
    hosts.extend(
        [
            "localhost",
            "loopback",
            "127.0.0.2",
            "127.",
            "[::1]",
            "intranet",
            "169.254.169.254",
        ]
        .map(str::to_owned),
    );
    let pieces = [
        "a",
        "x",
        "hs",
        "corp",
        "example",
        "blob",
        "core",
        "windows",
        "net",
        "login",
        "microsoftonline",
        "com",
        "10",
        "20",
        "190",
        "128",
        "40",
        "126",
        "s",
        "p",
    ];
    let mut state = 0x2022_1024_u64;
    let mut next = |bound: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or_default() % bound
    };
    for _ in 0..RANDOM {
        let labels = 1 + next(5);
        let labels: Vec<&str> = (0..labels).map(|_| pieces[next(pieces.len())]).collect();
        hosts.push(labels.join("."));
    }
    let ports = ["", ":443", ":80", ":8443", ":1"];
    let urls = hosts.iter().enumerate().map(|(at, host)| {
        let scheme = ["https", "http"][at % 2];
        let port = if host.contains(':') && !host.ends_with(']') {
            ""
        } else {
            ports[at % 5]
        };
        format!("{scheme}://{host}{port}/a?b=c:1")
    });
    // What both sides can read, and address spellings that an engine changes not.
    urls.filter(|url| {
        Destination::parse(url).is_ok_and(|destination| {
            let label = destination.host().trim_end_matches('.').rsplit('.').next();
            let is_number = label.is_some_and(|label| label.parse::<u64>().is_ok());
            destination.canonical_host() == destination.host()
                && (!is_number || destination.host().parse::<std::net::Ipv4Addr>().is_ok())
        })
    })
    .collect()
}
