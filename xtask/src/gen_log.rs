//! A proxy log to measure by: squid's native format, the same for the same seed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

const MEGABYTE: u64 = 1_000_000;

/// When the first request is logged, in milliseconds since 1970.
const BEGIN: u64 = 1_764_000_000_000;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    megabytes: NonZero<u64>,
    seed: u64,
    file: PathBuf,
}

impl Options {
    /// Reads `[--megabytes N] [--seed N] FILE`, or says what is wrong.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let (mut megabytes, mut seed, mut file) = (const { NonZero::new(250).unwrap() }, 1, None);
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().map_or("", String::as_str);
            let wrong = |_| format!("{argument} takes a number");
            match argument.as_str() {
                "--megabytes" => megabytes = value().parse().map_err(wrong)?,
                "--seed" => seed = value().parse().map_err(wrong)?,
                option if option.starts_with('-') => return Err(format!("no option {option}")),
                name if file.is_none() => file = Some(PathBuf::from(name)),
                more => return Err(format!("one file, not also {more}")),
            }
        }
        Ok(Self {
            megabytes,
            seed,
            file: file.ok_or("no FILE to write")?,
        })
    }
}

/// Writes the log.
pub(crate) fn run(options: &Options, out: &mut dyn Write) -> anyhow::Result<bool> {
    let written = write_file(options).with_context(|| options.file.display().to_string())?;
    writeln!(
        out,
        "gen-log: {} lines, {} bytes, seed {}",
        written.lines, written.bytes, options.seed
    )?;
    Ok(true)
}

fn write_file(options: &Options) -> io::Result<Written> {
    let mut log = BufWriter::with_capacity(1 << 20, File::create(Path::new(&options.file))?);
    let written = write(&mut log, options.megabytes.get() * MEGABYTE, options.seed)?;
    log.flush()?;
    Ok(written)
}

#[derive(Debug, PartialEq, Eq)]
struct Written {
    lines: u64,
    bytes: u64,
}

/// Writes whole lines until there are so many bytes.
fn write(log: &mut impl Write, bytes: u64, seed: u64) -> io::Result<Written> {
    let mut chance = Chance(seed);
    let mut written = Written { lines: 0, bytes: 0 };
    let mut time = BEGIN;
    while written.bytes < bytes {
        time += chance.below(80);
        let line = line(&mut chance, time);
        log.write_all(line.as_bytes())?;
        written.lines += 1;
        written.bytes += line.len() as u64;
    }
    Ok(written)
}

/// One request: a tunnel in three of five, Backup or Storage in one of fifty.
fn line(chance: &mut Chance, time: u64) -> String {
    let (seconds, milliseconds) = (time / 1000, time % 1000);
    let elapsed = chance.below(120_000);
    let bytes = chance.below(1 << 20);
    let (client, host) = asked(chance);
    let peer = format!("203.0.113.{}", chance.below(250));
    match chance.below(10) {
        0..6 => format!(
            "{seconds}.{milliseconds:03} {elapsed:6} {client} TCP_TUNNEL/200 {bytes} CONNECT \
             {host}:443 - HIER_DIRECT/{peer} -\n"
        ),
        6 => format!(
            "{seconds}.{milliseconds:03} {elapsed:6} {client} TCP_DENIED/407 4037 CONNECT \
             {host}:443 - HIER_NONE/- text/html\n"
        ),
        _ => {
            let path = "downloads/content/".repeat(usize::try_from(chance.below(4)).unwrap_or(0));
            format!(
                "{seconds}.{milliseconds:03} {elapsed:6} {client} TCP_MISS/200 {bytes} GET \
                 http://{host}/{path}{:x} - HIER_DIRECT/{peer} text/html\n",
                chance.next()
            )
        }
    }
}

/// Who asked for which host: Backup and Storage the database servers alone.
fn asked(chance: &mut Chance) -> (String, String) {
    const DOMAINS: [&str; 8] = [
        "example.com",
        "example.net",
        "updates.corp.example",
        "mail.corp.example",
        "cdn.example.org",
        "telemetry.example.net",
        "static.media.example.com",
        "windowsazure.example",
    ];
    let server = format!("10.1.0.{}", 10 + chance.below(12));
    let anybody = format!("10.1.{}.{}", 1 + chance.below(4), chance.below(250));
    match chance.below(100) {
        0 => {
            let account = chance.below(20);
            (server, format!("account{account}.blob.core.windows.net"))
        }
        1 => {
            let pod = 1 + chance.below(4);
            (server, format!("pod{pod:02}.jpe.backup.windowsazure.com"))
        }
        2 => (anybody, "login.microsoftonline.com".to_owned()),
        3 => (anybody, format!("198.51.100.{}", chance.below(250))),
        _ => {
            // Few hosts are asked for often, many seldom.
            let rank = chance.below(3000) * chance.below(3000) / 3000;
            let domain = chance.below(DOMAINS.len() as u64);
            let domain = usize::try_from(domain).map_or("", |place| DOMAINS[place]);
            (anybody, format!("host{rank}.{domain}"))
        }
    }
}

/// `SplitMix64` (Steele, Lea and Flood, 2014): the same numbers everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

#[cfg(test)]
mod tests {
    use sidestep_model::access_log::{Layout, Line};

    use super::*;

    fn log(seed: u64) -> Vec<u8> {
        let mut log = Vec::new();
        let written = write(&mut log, 100_000, seed).unwrap();
        assert_eq!(written.bytes, log.len() as u64);
        log
    }

    #[test]
    fn a_seed_always_writes_the_same_log() {
        assert_eq!(log(1), log(1));
        assert_ne!(log(1), log(2));
    }

    #[test]
    fn every_line_is_squids_and_some_are_protected() {
        let log = log(1);
        let lines = log
            .strip_suffix(b"\n")
            .unwrap()
            .split(|byte| *byte == b'\n');
        let hosts: Vec<&[u8]> = lines
            .map(|line| match Layout::Squid.read(line) {
                Line::Request(request) => request.host,
                other => panic!("{other:?}: {}", String::from_utf8_lossy(line)),
            })
            .collect();
        let protected = hosts.iter().filter(|host| {
            host.ends_with(b".blob.core.windows.net") || host.ends_with(b".backup.windowsazure.com")
        });
        let share = protected.count() * 100 / hosts.len();
        assert!((1..4).contains(&share), "{share} of 100");
    }

    #[test]
    fn options_are_read_or_explained() {
        let parse = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            Options::parse(&words)
        };
        let options = parse("--megabytes 3 x.log --seed 7").unwrap();
        assert_eq!((options.megabytes.get(), options.seed), (3, 7));
        assert_eq!(parse(""), Err("no FILE to write".to_owned()));
        assert_eq!(
            parse("x --megabytes 0"),
            Err("--megabytes takes a number".to_owned())
        );
        assert!(parse("x --seed").is_err() && parse("x y").is_err() && parse("--x f").is_err());
    }
}
