//! `self-test` where there is no Windows to ask.

use std::process::Command;

/// Only a Windows can be asked; elsewhere nothing is passed and nothing failed.
#[test]
fn elsewhere_than_on_windows_it_says_so() {
    for arguments in [&["self-test", "--yes"][..], &["self-test-service"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_sidestep"))
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(output.stdout.is_empty());
        let said = String::from_utf8(output.stderr).unwrap();
        let code = if arguments[0] == "self-test" {
            "SS145"
        } else {
            "SS180"
        };
        assert!(said.starts_with(&format!("error[{code}]: ")), "{said}");
        assert!(said.contains("\nhint: "), "{said}");
        // A file cannot answer.
        assert!(!said.contains("--at"), "{said}");
    }
}
