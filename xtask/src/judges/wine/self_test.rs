//! What Wine can say of `self-test`: that the service comes, runs, is asked and
//! goes. As whom it runs Wine cannot show: every service is one and the same user.

use anyhow::Context as _;
use serde_json::Value;
use sidestep_model::account::Sid;
use sidestep_model::self_test::SERVICE;

use super::Tally;
use super::desk::{Desk, SETTINGS};

const SELF_TEST: [&str; 2] = ["self-test", "--yes"];

pub(super) fn self_test(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    without_rights(desk, tally)?;
    asked(desk, tally)?;
    tally.end(
        "self-test: a service comes, Wine's WinINet and WinHTTP give it what was written, its \
         connection is seen as its own, and it goes; .NET Framework is not asked",
    )
}

fn without_rights(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    let output = desk.as_anybody(&SELF_TEST)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let is_told = output.status.code() == Some(3) && said.starts_with("error[SS144]: ");
    tally.see(is_told, || {
        format!("without rights: {}, {said}", output.status)
    });
    tally.see(!is_there(desk)?, || {
        "without rights a service came".to_owned()
    });
    Ok(())
}

fn asked(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    let sid = Sid::of_service(SERVICE);
    // On Windows the service manager loads this; Wine's does not.
    let settings = format!(r"HKU\{sid}\{SETTINGS}");
    desk.wine.done(&["reg", "add", &settings, "/f"])?;
    desk.link_to(sid.as_str())?;
    // What an interrupted test leaves behind.
    let create = ["sc", "create", SERVICE, "binPath=", r"C:\none.exe"];
    desk.wine.done(&create)?;
    for had_leftovers in [true, false] {
        let (exit, document) = desk.document(&SELF_TEST)?;
        tally.see(document["leftovers_removed"] == had_leftovers, || {
            format!("leftovers: {document}")
        });
        let checks = document["checks"].as_array().context("no checks")?;
        let expected = [
            // Wine runs it as the current user, and Sidestep says so.
            ("account", "disagrees", Some(1)),
            ("wininet", "agrees", Some(4)),
            ("winhttp", "agrees", Some(4)),
            // Never passed where nobody was asked.
            ("dotnet-framework", "not-asked", None),
            ("tcp-table", "agrees", Some(1)),
            // Wine refuses to count, and nothing is made up.
            ("payload", "not-asked", None),
            ("removal", "agrees", Some(1)),
        ];
        for (name, state, observations) in expected {
            let check = checks.iter().find(|check| check["check"] == name);
            let check = check.unwrap_or(&Value::Null);
            let is_so = check["state"] == state && check["observations"].as_u64() == observations;
            tally.see(is_so, || format!("{name}: {check}"));
        }
        let is_said = document["verdict"] == "disagrees" && exit == Some(1);
        tally.see(is_said, || format!("it ended with {exit:?}: {document}"));
        tally.see(!is_there(desk)?, || "the service stayed".to_owned());
        let folder = desk.wine.drive_c().join("ProgramData/Sidestep/self-test");
        tally.see(!folder.exists(), || "its folder stayed".to_owned());
    }
    desk.unlink()
}

/// Whether Wine's service manager knows the service.
fn is_there(desk: &Desk) -> anyhow::Result<bool> {
    let output = desk.wine.run(&["sc", "query", SERVICE])?;
    Ok(output.status.success())
}
