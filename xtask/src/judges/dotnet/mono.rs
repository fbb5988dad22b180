//! Mono: found or installed, given the judge's program, and asked.

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{fs, thread};

use anyhow::{Context as _, bail, ensure};
use sidestep_model::bypass::HostContext;
use tempfile::TempDir;

use super::Case;
use crate::debian;

const PROGRAM: &str = include_str!("Judge.cs");
const PACKAGES: [&str; 3] = ["mono-mcs", "mono-runtime", "libmono-system4.0-cil"];

/// The compiled judge.
pub(super) struct Mono {
    folder: TempDir,
}

/// Why there is no judge.
pub(super) enum Unavailable {
    /// This computer has no Mono and cannot get it.
    Here(String),
    /// Mono is there and the judge does not compile.
    Broken(anyhow::Error),
}

impl Mono {
    pub(super) fn compile() -> Result<Self, Unavailable> {
        if !is_installed() {
            install().map_err(Unavailable::Here)?;
        }
        Self::compile_installed().map_err(Unavailable::Broken)
    }

    fn compile_installed() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("Judge.cs"), PROGRAM)?;
        let compiled = Command::new("mcs")
            .arg("Judge.cs")
            .current_dir(folder.path())
            .output()?;
        ensure!(
            compiled.status.success(),
            "mcs: {}",
            String::from_utf8_lossy(&compiled.stderr)
        );
        Ok(Self { folder })
    }

    pub(super) fn start(&self) -> anyhow::Result<Conversation> {
        let mut child = Command::new("mono")
            .arg(self.folder.path().join("Judge.exe"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let questions = child.stdin.take().context("no standard input")?;
        let answers = child.stdout.take().context("no standard output")?;
        let mut answers = BufReader::new(answers);
        let mut first = String::new();
        answers.read_line(&mut first)?;
        let (domain, addresses) = first
            .trim_end()
            .split_once('\t')
            .context("Mono said nothing of this computer")?;
        let own_addresses = addresses
            .split(',')
            .filter_map(|address| address.parse().ok())
            .collect();
        let host = HostContext {
            dns_suffix: domain.to_owned(),
            own_addresses,
        };
        Ok(Conversation {
            child,
            questions,
            answers,
            host,
        })
    }
}

/// The running judge.
pub(super) struct Conversation {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    host: HostContext,
}

impl Conversation {
    /// What `<local>` knows of this computer.
    pub(super) fn host(&self) -> &HostContext {
        &self.host
    }

    /// The answers, in the order of the cases.
    pub(super) fn ask(self, cases: &[Case]) -> anyhow::Result<Vec<String>> {
        let Self {
            mut child,
            questions,
            answers,
            ..
        } = self;
        let answers: Vec<String> = thread::scope(|scope| -> anyhow::Result<_> {
            let writer = scope.spawn(move || write_questions(questions, cases));
            let answers = answers.lines().collect::<Result<_, _>>()?;
            match writer.join() {
                Ok(written) => written?,
                Err(_) => bail!("the questions could not be written"),
            }
            Ok(answers)
        })?;
        ensure!(child.wait()?.success(), "the judge ended with an error");
        ensure!(
            answers.len() == cases.len(),
            "{} answers to {} cases",
            answers.len(),
            cases.len()
        );
        Ok(answers)
    }
}

/// One line for each case; dropping the pipe at the end tells Mono to stop.
fn write_questions(questions: ChildStdin, cases: &[Case]) -> io::Result<()> {
    let mut questions = BufWriter::new(questions);
    for Case {
        proxy_server,
        bypass_list,
        url,
    } in cases
    {
        let fields = [proxy_server, bypass_list, url].map(|field| escaped(field));
        writeln!(questions, "{}", fields.join("\t"))?;
    }
    questions.flush()
}

fn escaped(field: &str) -> String {
    field
        .replace('\\', r"\\")
        .replace('\t', r"\t")
        .replace('\n', r"\n")
        .replace('\r', r"\r")
}

fn is_installed() -> bool {
    ["mcs", "mono"].iter().all(|program| {
        Command::new(program)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success())
    })
}

/// Debian's packages, where that is possible; else why not.
fn install() -> Result<(), String> {
    debian::install("mono", &PACKAGES, false)?;
    if is_installed() {
        Ok(())
    } else {
        Err("mono was installed and does not run".to_owned())
    }
}
