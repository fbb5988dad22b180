//! The Windows program, built on Debian.
//!
//! Debian's own Rust brings the standard library's source, from which that of
//! Windows is built, and mingw brings the linker. `.cargo/windows.toml` holds
//! what cargo has to know.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use crate::debian;

const PACKAGES: [&str; 4] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "gcc-mingw-w64-x86-64-win32",
];

/// Where Debian's programs are; a rustup's own come first on many paths.
const DEBIAN_PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";

/// The oldest Rust that builds the workspace, as `Cargo.toml` says, too.
const OLDEST_RUST: u32 = 89;

/// One program to copy by hand: it stays below this.
const LARGEST: u64 = 10_000_000;

/// Where code is for one operating system alone.
const FOR_WINDOWS: [&str; 1] = ["sidestep-machine"];

/// What every Windows Server since 2012 R2 has itself.
const WINDOWS_DLLS: [&str; 23] = [
    "advapi32.dll",
    "bcrypt.dll",
    "bcryptprimitives.dll",
    "combase.dll",
    "crypt32.dll",
    "dbghelp.dll",
    "iphlpapi.dll",
    "kernel32.dll",
    "kernelbase.dll",
    "msvcrt.dll",
    "ncrypt.dll",
    "ntdll.dll",
    "ole32.dll",
    "oleaut32.dll",
    "rpcrt4.dll",
    "secur32.dll",
    "shell32.dll",
    "shlwapi.dll",
    "user32.dll",
    "userenv.dll",
    "winhttp.dll",
    "wininet.dll",
    "ws2_32.dll",
];

/// What few commands need: loaded by them, not with the program.
const ON_DEMAND: [&str; 6] = [
    "combase.dll",
    "iphlpapi.dll",
    "shell32.dll",
    "userenv.dll",
    "winhttp.dll",
    "wininet.dll",
];

/// What the program brings along for Windows to read.
const MANIFEST: [&str; 3] = ["asInvoker", "longPathAware", "UTF-8"];

/// Builds the program and looks at it; false where it is not as it has to be.
pub(crate) fn build(workspace: &Path, out: &mut dyn Write) -> anyhow::Result<bool> {
    match program(workspace)? {
        Ok(program) => is_as_it_has_to_be(workspace, &program, out),
        Err(reason) => {
            writeln!(out, "windows: not built ({reason})")?;
            Ok(true)
        }
    }
}

/// Has clippy read the code that is for Windows, tests and all; false where it
/// finds something.
pub(crate) fn lint(workspace: &Path, out: &mut dyn Write) -> anyhow::Result<bool> {
    const PACKAGE: &str = "rust-web-clippy";
    let has_clippy = || {
        debian_tool("clippy-driver")
            .arg("--version")
            .output()
            .is_ok()
    };
    let installed = install().and_then(|()| {
        if has_clippy() {
            return Ok(());
        }
        debian::install("the clippy of the Rust for Windows", &[PACKAGE], true)
    });
    if let Err(reason) = installed {
        writeln!(out, "windows: not linted ({reason})")?;
        return Ok(true);
    }
    let mut command = cargo(workspace);
    command
        .args(["check", "--locked", "--all-targets"])
        // As `cargo clippy` does it, which would be a rustup's own here, and which
        // knows nothing of Windows.
        .env("RUSTC_WORKSPACE_WRAPPER", "/usr/bin/clippy-driver")
        .env(
            "CLIPPY_ARGS",
            ["-D", "warnings", ""].join("__CLIPPY_HACKERY__"),
        );
    for package in FOR_WINDOWS {
        command.args(["--package", package]);
    }
    Ok(command.status()?.success())
}

/// Says what the program is and what is wrong with it.
pub(crate) fn is_as_it_has_to_be(
    workspace: &Path,
    program: &Path,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let size = fs::metadata(program)?.len();
    let imports = imports(program)?;
    let faults = faults(&fs::read(program)?, size, &imports);
    writeln!(
        out,
        "windows: {}, {} kB",
        program.strip_prefix(workspace).unwrap_or(program).display(),
        size / 1000
    )?;
    let names: Vec<&str> = imports.iter().map(String::as_str).collect();
    writeln!(out, "windows: imports {}", names.join(", "))?;
    for fault in &faults {
        writeln!(out, "windows: {fault}")?;
    }
    Ok(faults.is_empty())
}

/// The program, newly built, or why it cannot be built here.
pub(crate) fn program(workspace: &Path) -> anyhow::Result<Result<PathBuf, String>> {
    if let Err(reason) = install() {
        return Ok(Err(reason));
    }
    let built = cargo(workspace)
        .args(["build", "--release", "--locked"])
        .args(["--package", "sidestep-cli"])
        .output()?;
    let said = String::from_utf8_lossy(&built.stderr);
    ensure!(built.status.success(), "cargo build: {said}");
    let program = workspace.join("target/windows/x86_64-pc-windows-gnu/release/sidestep.exe");
    ensure!(program.is_file(), "{} was not built", program.display());
    Ok(Ok(program))
}

/// What the tests of these packages say, each test's program started by a shell
/// that runs `enter` with its path and arguments; else why they cannot be built
/// here.
pub(crate) fn tests(
    workspace: &Path,
    packages: &[&str],
    enter: &str,
) -> anyhow::Result<Result<String, String>> {
    if let Err(reason) = install() {
        return Ok(Err(reason));
    }
    let runner = serde_json::json!(["sh", "-c", enter, "runner"]);
    let mut command = cargo(workspace);
    command
        .arg("--config")
        .arg(format!("target.x86_64-pc-windows-gnu.runner={runner}"))
        .args(["test", "--locked", "--no-fail-fast", "--tests"]);
    for package in packages {
        command.args(["--package", package]);
    }
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    ensure!(said.contains("test result: "), "cargo test: {complaints}");
    Ok(Ok(said))
}

/// A package's test as a program, newly built with what the program itself is
/// built of, or why it cannot be built here.
pub(crate) fn test_program(
    workspace: &Path,
    package: &str,
    test: &str,
) -> anyhow::Result<Result<PathBuf, String>> {
    if let Err(reason) = install() {
        return Ok(Err(reason));
    }
    let built = cargo(workspace)
        .args(["test", "--release", "--locked", "--no-run"])
        .args(["--package", package, "--test", test])
        .args(["--message-format", "json"])
        .output()?;
    let said = String::from_utf8_lossy(&built.stderr);
    ensure!(built.status.success(), "cargo test: {said}");
    let messages = String::from_utf8_lossy(&built.stdout).into_owned();
    let program = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_it = message["target"]["name"] == test;
        is_it.then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    Ok(Ok(program.context("cargo names no program of the test")?))
}

/// Debian's cargo, told what it has to know of Windows.
fn cargo(workspace: &Path) -> Command {
    let mut command = debian_tool("cargo");
    command
        .args(["--config", ".cargo/windows.toml"])
        .current_dir(workspace)
        // Debian's stable Rust builds the standard library only when told so.
        .env("RUSTC_BOOTSTRAP", "1");
    command
}

fn install() -> Result<(), String> {
    if has_tools() {
        return Ok(());
    }
    debian::install("the Rust for Windows", &PACKAGES, true)?;
    if has_tools() {
        Ok(())
    } else {
        Err(format!("Debian's Rust here is older than 1.{OLDEST_RUST}"))
    }
}

/// A program of Debian's, free of what a rustup around this process set.
fn debian_tool(name: &str) -> Command {
    let mut command = Command::new(Path::new("/usr/bin").join(name));
    command.env("PATH", DEBIAN_PATH);
    for variable in [
        "CARGO",
        "CARGO_TARGET_DIR",
        "RUSTC",
        "RUSTDOCFLAGS",
        "RUSTFLAGS",
        "RUSTUP_TOOLCHAIN",
    ] {
        command.env_remove(variable);
    }
    command
}

fn has_tools() -> bool {
    let says = |name: &str, argument: &str| {
        let output = debian_tool(name).arg(argument).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then_some(text)
    };
    let is_new = says("rustc", "--version")
        .is_some_and(|version| minor_version(&version).is_some_and(|minor| minor >= OLDEST_RUST));
    is_new
        && says("cargo", "--version").is_some()
        && says("x86_64-w64-mingw32-gcc", "--version").is_some()
        && debian_tool("rustc")
            .args(["--print", "sysroot"])
            .output()
            .is_ok_and(|output| {
                let root = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                Path::new(&root)
                    .join("lib/rustlib/src/rust/library")
                    .exists()
            })
}

/// The 96 of `rustc 1.96.0 (…)`.
fn minor_version(said: &str) -> Option<u32> {
    said.split_whitespace()
        .nth(1)?
        .split('.')
        .nth(1)?
        .parse()
        .ok()
}

/// The libraries that Windows loads with the program.
fn imports(program: &Path) -> anyhow::Result<BTreeSet<String>> {
    let output = Command::new("x86_64-w64-mingw32-objdump")
        .arg("-p")
        .arg(program)
        .output()
        .context("objdump of mingw")?;
    if !output.status.success() {
        bail!("objdump: {}", String::from_utf8_lossy(&output.stderr));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let names = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("DLL Name: "));
    Ok(names.map(str::to_lowercase).collect())
}

fn faults(bytes: &[u8], size: u64, imports: &BTreeSet<String>) -> Vec<String> {
    let is_windows_own =
        |name: &str| WINDOWS_DLLS.contains(&name) || name.starts_with("api-ms-win-");
    let foreign = imports.iter().filter(|name| !is_windows_own(name));
    let mut faults: Vec<String> = foreign
        .map(|name| format!("needs {name}, which is not Windows' own"))
        .collect();
    let early = imports
        .iter()
        .filter(|name| ON_DEMAND.contains(&name.as_str()));
    faults
        .extend(early.map(|name| format!("loads {name} at every start, which few commands need")));
    if imports.is_empty() {
        faults.push("its imports cannot be read".to_owned());
    }
    if size >= LARGEST {
        faults.push(format!("has {size} bytes, not less than {LARGEST}"));
    }
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    for word in MANIFEST {
        if !holds(word.as_bytes()) {
            faults.push(format!("its manifest lacks {word}"));
        }
    }
    let wide: Vec<u8> = "VS_VERSION_INFO"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    if !holds(&wide) {
        faults.push("has no version resource".to_owned());
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debians_rust_says_its_version() {
        let said = "rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)\n";
        assert_eq!(minor_version(said), Some(96));
        assert_eq!(minor_version("rustc"), None);
    }

    #[test]
    fn what_windows_does_not_have_is_a_fault() {
        let imports = [
            "kernel32.dll",
            "api-ms-win-core-synch-l1-2-0.dll",
            "libgcc_s_seh-1.dll",
            "wininet.dll",
        ];
        let imports = imports.map(str::to_owned).into();
        let mut bytes = MANIFEST.concat().into_bytes();
        bytes.extend("VS_VERSION_INFO".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(
            faults(&bytes, 1, &imports),
            [
                "needs libgcc_s_seh-1.dll, which is not Windows' own",
                "loads wininet.dll at every start, which few commands need",
            ]
        );
        assert_eq!(faults(b"", LARGEST, &imports).len(), 7);
    }
}
