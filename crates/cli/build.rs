//! What Windows reads of the program before it runs: its version, and that it
//! takes long paths and UTF-8 and asks for no more rights than it is given.

use std::io::{self, Write as _};

use embed_manifest::manifest::{ActiveCodePage, ExecutionLevel, Setting};
use embed_manifest::{embed_manifest, new_manifest};
use winresource::WindowsResource;

fn main() -> io::Result<()> {
    writeln!(io::stdout(), "cargo::rerun-if-changed=build.rs")?;
    // The target's family; a build script itself runs on the host.
    if std::env::var_os("CARGO_CFG_WINDOWS").is_none() {
        return Ok(());
    }
    let manifest = new_manifest("Sidestep")
        .active_code_page(ActiveCodePage::Utf8)
        .long_path_aware(Setting::Enabled)
        .requested_execution_level(ExecutionLevel::AsInvoker);
    embed_manifest(manifest)?;
    WindowsResource::new()
        .set("ProductName", "Sidestep")
        .set("FileDescription", env!("CARGO_PKG_DESCRIPTION"))
        .set("OriginalFilename", "sidestep.exe")
        .set("LegalCopyright", "MIT licence")
        .compile()
}
