//! Debian's packages, where there is a Debian and leave to install them.

use std::path::Path;
use std::process::Command;

/// Installs `packages` for what is called `what`; else why not. The lists of
/// packages are brought up to date first where that is asked for.
pub(crate) fn install(what: &str, packages: &[&str], update: bool) -> Result<(), String> {
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(format!(
            "{what} is not installed, and there is no apt-get to install it"
        ));
    }
    if !is_root() {
        return Err(format!(
            "{what} is not installed: apt-get install {}",
            packages.join(" ")
        ));
    }
    let apt_get = |arguments: &[&str]| {
        Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .output()
            .is_ok_and(|output| output.status.success())
    };
    let install = [&["install", "-y", "--no-install-recommends"], packages].concat();
    // A fresh computer may know no packages yet, and an old one old ones.
    let installed = (!update && apt_get(&install)) || (apt_get(&["update"]) && apt_get(&install));
    if installed {
        Ok(())
    } else {
        Err(format!(
            "{what} is not installed, and apt-get could not install it"
        ))
    }
}

/// Whether this process may install packages.
pub(crate) fn is_root() -> bool {
    let user = Command::new("id").arg("-u").output();
    user.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
